// Package render renders Jinja2 templates that somebody else wrote, with gonja, in a process of
// their own: a template can loop for ever and fill the memory, and neither can be stopped from
// within. A program that uses InChild calls Main first of all.
package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/config"
	gonja "github.com/nikolalohinski/gonja/v2/exec"
	"github.com/sirupsen/logrus"
)

const (
	// childEnv is set in the process that renders.
	childEnv = "IMGCTL_RENDER_TEMPLATE"
	// maxOutput is how much a template may render.
	maxOutput = 8 << 20
	// maxMemory is the child's address space; Go reserves some hundred megabytes of it at the start.
	maxMemory = 2 << 30
	// maxCPU is the child's processor time in seconds.
	maxCPU = 5
)

// Main renders and ends the process where it was started for that by InChild.
func Main() {
	path := os.Getenv(childEnv)
	if path == "" {
		return
	}
	limit(maxMemory, maxCPU)
	if err := child(path, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(path string, variables io.Reader, to io.Writer) error {
	var v map[string]any
	d := json.NewDecoder(variables)
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("reading variables: %w", err)
	}
	for name, value := range v {
		if n, ok := value.(json.Number); ok {
			if i, err := n.Int64(); err == nil {
				v[name] = int(i)
			}
		}
	}
	return Render(path, v, to)
}

// Render renders the file in this process.
func Render(path string, variables map[string]any, to io.Writer) error {
	logrus.SetOutput(io.Discard)
	files, err := newFolder(filepath.Dir(path))
	if err != nil {
		return err
	}
	t, err := gonja.NewTemplate(filepath.Base(path), config.New(), files, &gonja.Environment{
		Filters: builtins.Filters, Tests: builtins.Tests, ControlStructures: builtins.ControlStructures, Methods: builtins.Methods,
		Context: gonja.EmptyContext().Update(builtins.GlobalFunctions),
	})
	if err != nil {
		return readable(err)
	}
	return readable(t.Execute(&bounded{to: to, left: maxOutput}, gonja.NewContext(variables)))
}

var errTooMuch = fmt.Errorf("renders more than %d MiB", maxOutput>>20)

type bounded struct {
	to   io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errTooMuch
	}
	return b.to.Write(p)
}

// readable drops the template's whole text, which gonja's errors quote.
func readable(err error) error {
	if err == nil || errors.Is(err, errTooMuch) {
		return err
	}
	text := err.Error()
	if strings.HasPrefix(text, "failed to parse template '") {
		if i := strings.LastIndex(text, "': "); i >= 0 {
			text = "can't be parsed: " + text[i+3:]
		}
	}
	if len(text) > 400 {
		text = text[:150] + " … " + text[len(text)-250:]
	}
	return errors.New(text)
}

// InChild renders the file in another process of this program; variables is a JSON object.
func InChild(ctx context.Context, path string, variables []byte) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = []string{childEnv + "=" + path}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(variables), &out, &head{to: &errs}
	err = cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		return "", failure(err, errs.String())
	}
	return out.String(), err
}

// failure tells what a child said when it failed, or why it was ended.
func failure(err error, said string) error {
	switch {
	case strings.Contains(said, "out of memory") || strings.Contains(said, "cannot allocate memory"):
		return errors.New("needs too much memory to render")
	case strings.Contains(said, "stack overflow") || strings.Contains(said, "goroutine stack exceeds"):
		return errors.New("includes or calls itself without end")
	case strings.Contains(err.Error(), "CPU time limit") || strings.Contains(err.Error(), "killed"):
		return errors.New("takes too long to render")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	if line == "" {
		return err
	}
	return errors.New(line)
}

// head keeps the beginning of what is written to it.
type head struct{ to *bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	if room := 64<<10 - h.to.Len(); room > 0 {
		h.to.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
