//go:build linux

// Package shell is the language of a guest's built-in shell: mvdan.cc/sh's interpreter, with the programs of
// package userland.
package shell

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// Install makes the shell, and the commands of its own that a script calls by path, programs of the userland.
func Install() {
	userland.Add(map[string]userland.Command{"sh": sh, "bash": sh, "dash": sh, "ash": sh}, true)
	userland.Add(map[string]userland.Command{"test": builtin, "[": builtin, "echo": builtin, "printf": builtin, "pwd": builtin}, false)
}

// sh is the shell: mvdan.cc/sh's interpreter with the built-in programs.
func sh(p *userland.Proc) int {
	second := isSecond()
	c, err := parseCall(p.Args)
	if err != nil {
		fmt.Fprintf(p.Err, "%s: %v\n", p.Name, err)
		return 2
	}
	name, src := p.Name, io.Reader(nil)
	switch {
	case c.hasCommand:
		src = strings.NewReader(c.command)
		if len(c.rest) > 0 {
			name, c.rest = c.rest[0], c.rest[1:]
		}
	case len(c.rest) > 0 && !c.stdin:
		name = c.rest[0]
		f, err := os.Open(p.Path(name))
		if err != nil {
			fmt.Fprintf(p.Err, "%s: %s: %s\n", p.Name, name, userland.Reason(err))
			return 127
		}
		defer f.Close()
		src, c.rest = f, c.rest[1:]
	}
	r, err := newRunner(p, c)
	if err != nil {
		fmt.Fprintf(p.Err, "%s: %v\n", p.Name, err)
		return 2
	}
	if c.login || p.Login {
		sourceProfile(p, r)
	}
	switch {
	case src != nil:
		return runFile(p, r, src, name, second, false)
	case c.interactive || isPerson(p.In):
		return runTyped(p, r)
	}
	return runFile(p, r, p.In, p.Name, second, true)
}

func newRunner(p *userland.Proc, c call) (*interp.Runner, error) {
	params := append(slices.Clone(c.options), "--")
	return interp.New(
		interp.StdIO(p.In, p.Out, p.Err),
		interp.Params(append(params, c.rest...)...),
		interp.CallHandler(adapt),
		interp.ExecHandlers(dispatch),
	)
}

// runFile runs a whole script; once tells that it comes from a stream that can't be read again.
func runFile(p *userland.Proc, r *interp.Runner, src io.Reader, name string, second, once bool) int {
	b, err := io.ReadAll(src)
	if err != nil {
		return p.Fail(err)
	}
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	file, err := parser.Parse(strings.NewReader(string(b)), name)
	if err != nil {
		fmt.Fprintf(p.Err, "%s: %v\n", p.Name, err)
		return 2
	}
	if !second && hasBackground(file) {
		if !once {
			return runSecond(p, "")
		}
		return runSecond(p, string(b))
	}
	code := status(p, r.Run(p.Ctx, file))
	if second {
		return stay(p, r, code)
	}
	return code
}

// status is the exit status of a run.
func status(p *userland.Proc, err error) int {
	var s interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &s):
		return int(s)
	default:
		fmt.Fprintf(p.Err, "%s: %v\n", p.Name, err)
		return 1
	}
}
