//go:build linux

package userland

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Proc is what a program knows of itself, whether it is a process or runs inside the shell.
type Proc struct {
	Ctx      context.Context
	Name     string
	Args     []string // without the name
	Login    bool
	In       io.Reader
	Out, Err io.Writer
	Dir      string
	Environ  []string
}

// Path makes a path that an argument names absolute.
func (p *Proc) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.Dir, name)
}

// Getenv is a variable of the environment, "" if there is none.
func (p *Proc) Getenv(key string) string { return lookup(p.Environ, key) }

func lookup(environ []string, key string) string {
	for _, e := range slices.Backward(environ) {
		if v, ok := strings.CutPrefix(e, key+"="); ok {
			return v
		}
	}
	return ""
}

// Fail prints an error and answers status 1.
func (p *Proc) Fail(err error) int {
	if errors.Is(err, syscall.EPIPE) {
		return 128 + int(syscall.SIGPIPE)
	}
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		fmt.Fprintf(p.Err, "%s: %s: %s\n", p.Name, pe.Path, capital(pe.Err))
	case errors.As(err, &le):
		fmt.Fprintf(p.Err, "%s: %s: %s\n", p.Name, le.New, capital(le.Err))
	default:
		fmt.Fprintf(p.Err, "%s: %v\n", p.Name, err)
	}
	return 1
}

func (p *Proc) failf(format string, a ...any) int { return p.Fail(fmt.Errorf(format, a...)) }

// Reason is why a file can't be used, as libc says it.
func Reason(err error) string { return capital(cause(err)) }

// capital writes a system error as libc does.
func capital(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

// usage prints how to call the program and answers status 2.
func (p *Proc) usage(synopsis string) int {
	fmt.Fprintf(p.Err, "usage: %s %s\n", p.Name, synopsis)
	return 2
}

// inputs calls visit with each named file, "-" and none at all meaning standard input.
func (p *Proc) inputs(names []string, visit func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := 0
	for _, name := range names {
		if err := p.input(name, visit); err != nil {
			status = p.Fail(err)
		}
	}
	return status
}

func (p *Proc) input(name string, visit func(name string, r io.Reader) error) error {
	if name == "-" {
		return visit(name, p.In)
	}
	f, err := os.Open(p.Path(name))
	if err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: cause(err)}
	}
	defer f.Close()
	return visit(name, f)
}

func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
