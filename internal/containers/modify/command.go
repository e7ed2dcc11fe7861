package modify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// programs are those of this machine, as the user's environment finds them.
type programs struct{ o *Options }

func (p *programs) env() []string {
	if p.o.Env != nil {
		return slices.Clip(p.o.Env)
	}
	return os.Environ()
}

// has finds a program on the user's path, "" if it isn't there.
func (p *programs) has(name string) string {
	for _, folder := range filepath.SplitList(p.value("PATH")) {
		file := filepath.Join(folder, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && filepath.IsAbs(file) {
			return file
		}
	}
	return ""
}

func (p *programs) value(name string) string {
	for _, e := range slices.Backward(p.env()) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// command is one program to run.
type command struct {
	name   string
	args   []string
	env    []string
	folder string
	stdin  string
	lines  func(string) // gets what it prints; nil is nobody
	mounts bool         // it mounts; that stays its own
	under  []string     // the program, with its options, that starts it; empty is none
}

const (
	stopTime = 10 * time.Second // for a program to end when asked to
	lastSaid = 20               // lines that an error quotes
	maxLine  = 4 << 10
)

// output runs it and gives its standard output.
func (c *command) output(ctx context.Context) (string, error) {
	var out bytes.Buffer
	err := c.run(ctx, &out)
	return out.String(), err
}

// run runs it; out gets its standard output, nil is lines.
func (c *command) run(ctx context.Context, out io.Writer) error {
	p := &programs{&Options{Env: c.env}}
	file := c.name
	if !filepath.IsAbs(file) {
		if file = p.has(c.name); file == "" {
			return fault.New(fault.NotFound, "install "+c.name, "%s: there is no such program on the path", c.name)
		}
	}
	words := slices.Concat(c.under, []string{file}, c.args)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) // #nosec G204 -- the user's own programs
	cmd.Env, cmd.Dir, cmd.Stdin = c.env, c.folder, strings.NewReader(c.stdin)
	said := &listener{tell: c.lines}
	cmd.Stderr, cmd.Stdout = said, out
	if out == nil {
		cmd.Stdout = said
	}
	cmd.SysProcAttr = together(c.mounts)
	cmd.Cancel = func() error { return stop(cmd.Process, syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	err := cmd.Run()
	if cmd.Process != nil {
		_ = stop(cmd.Process, syscall.SIGKILL) // what it left running
	}
	said.end()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", filepath.Base(c.name), context.Cause(ctx))
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return fault.New(fault.Internal, "", "%s %s: %v: %s", filepath.Base(c.name), c.verb(), err, strings.Join(said.last, "\n"))
	}
	return fmt.Errorf("%s: %w", filepath.Base(c.name), err)
}

// opt is a long option of another program's.
func opt(name string) string { return "--" + name }

// verb is what the program is told to do, without options.
func (c *command) verb() string {
	for n := 0; n < len(c.args); n++ {
		switch {
		case c.args[n] == "-C" || c.args[n] == "-c": // git's, which have a value
			n++
		case !strings.HasPrefix(c.args[n], "-"):
			return c.args[n]
		}
	}
	return ""
}

// listener passes on lines and keeps the last.
type listener struct {
	mu   sync.Mutex
	tell func(string)
	rest []byte
	last []string
}

// Write takes what the program prints.
func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		n := bytes.IndexAny(l.rest, "\r\n")
		if n < 0 && len(l.rest) > maxLine {
			n = maxLine
		}
		if n < 0 {
			return len(p), nil
		}
		l.line(string(l.rest[:n]))
		l.rest = l.rest[n+1:]
	}
}

func (l *listener) line(text string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	if !strings.HasPrefix(text, `time="`) { // a log's line, which isn't why a program failed
		l.last = append(l.last, text)
	}
	if len(l.last) > lastSaid {
		l.last = l.last[1:]
	}
	if l.tell != nil {
		l.tell(text)
	}
}

func (l *listener) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line(string(l.rest))
	l.rest = nil
}
