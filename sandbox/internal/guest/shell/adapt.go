//go:build linux

package shell

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// adapt serves the shell's own commands that the interpreter lacks.
func adapt(ctx context.Context, args []string) ([]string, error) {
	h := interp.HandlerCtx(ctx)
	switch args[0] {
	case "kill":
		return append([]string{control.AgentDir + "/bin/kill"}, args[1:]...), nil
	case "umask":
		return umask(h, args)
	case "ulimit":
		if len(args) < 3 {
			fmt.Fprintln(h.Stdout, "unlimited")
		}
		return []string{"true"}, nil
	case "jobs", "bg", "fg", "disown", "suspend", "times", "newgrp", "enable", "bind", "complete", "history":
		return []string{"true"}, nil
	case "trap":
		return trap(args), nil
	case "set":
		return withoutOptions(args), nil
	}
	return args, nil
}

func umask(h interp.HandlerContext, args []string) ([]string, error) {
	if len(args) == 1 {
		old := syscall.Umask(0)
		syscall.Umask(old)
		fmt.Fprintf(h.Stdout, "%04o\n", old)
		return []string{"true"}, nil
	}
	m, err := strconv.ParseUint(args[len(args)-1], 8, 32)
	if err != nil {
		fmt.Fprintf(h.Stderr, "umask: %s: invalid mask\n", args[len(args)-1])
		return []string{"false"}, nil
	}
	syscall.Umask(int(m))
	return []string{"true"}, nil
}

// trap keeps the conditions that the interpreter knows; signals end the shell as they always do.
func trap(args []string) []string {
	var action []string
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if len(rest) > 1 {
		action, rest = rest[:1], rest[1:]
	}
	var conditions []string
	for _, c := range rest {
		switch strings.TrimPrefix(strings.ToUpper(c), "SIG") {
		case "EXIT", "0":
			conditions = append(conditions, "EXIT")
		case "ERR":
			conditions = append(conditions, "ERR")
		}
	}
	if len(args) > 1 && len(conditions) == 0 {
		return []string{"true"}
	}
	return slices.Concat([]string{"trap"}, action, conditions)
}

// withoutOptions drops options of set that change nothing here, as a script that asks for them means well.
func withoutOptions(args []string) []string {
	out := []string{"set"}
	for i := 1; i < len(args); i++ {
		a := args[i]
		if a == "--" || a == "-" || len(a) < 2 || a[0] != '-' && a[0] != '+' {
			return append(out, args[i:]...)
		}
		if a[1:] == "o" && i+1 < len(args) {
			if slices.Contains([]string{"errexit", "nounset", "xtrace", "noexec", "noglob", "allexport", "pipefail"}, args[i+1]) {
				out = append(out, a, args[i+1])
			}
			i++
			continue
		}
		for j, o := range a[1:] {
			switch {
			case strings.ContainsRune("eunxfa", o):
				out = append(out, a[:1]+string(o))
			case o == 'o' && j == len(a)-2 && i+1 < len(args): // set -euo pipefail
				i++
				out = append(out, a[:1]+"o", args[i])
			}
		}
	}
	if len(out) == 1 && len(args) > 1 {
		return []string{"true"}
	}
	return out
}

// dispatch runs a built-in program inside the shell where the name leads to one: what the image has, or what somebody
// put into its place, is a program like any other.
func dispatch(next interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		h := interp.HandlerCtx(ctx)
		environ := exported(h)
		path, err := userland.Which(args[0], environ, h.Dir)
		if err != nil {
			fmt.Fprintf(h.Stderr, "sh: %v\n", err)
			if strings.HasSuffix(err.Error(), "denied") {
				return interp.ExitStatus(126)
			}
			return interp.ExitStatus(127)
		}
		name := filepath.Base(path)
		run, ok := userland.Inside(name)
		if !ok || !isBuiltin(path) {
			return next(ctx, args)
		}
		p := &userland.Proc{Ctx: ctx, Name: name, Args: args[1:], In: h.Stdin, Out: h.Stdout, Err: h.Stderr, Dir: h.Dir, Environ: environ}
		if p.In == nil {
			p.In = strings.NewReader("")
		}
		if code := run(p); code != 0 {
			return interp.ExitStatus(code)
		}
		return nil
	}
}

func exported(h interp.HandlerContext) []string {
	var environ []string
	for k, v := range h.Env.Each {
		if v.Exported {
			environ = append(environ, k+"="+v.String())
		}
	}
	return environ
}

// isBuiltin reports whether path is one of the agent's links.
func isBuiltin(path string) bool {
	target, err := os.Readlink(path)
	return err == nil && target == control.AgentDir+"/agent"
}

// builtin runs one of the shell's own commands that a script calls by path.
func builtin(p *userland.Proc) int {
	words := []string{p.Name}
	for _, a := range p.Args {
		q, err := syntax.Quote(a, syntax.LangBash)
		if err != nil {
			return p.Fail(err)
		}
		words = append(words, q)
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(strings.Join(words, " ")), p.Name)
	if err != nil {
		return p.Fail(err)
	}
	r, err := interp.New(interp.StdIO(p.In, p.Out, p.Err), interp.Dir(p.Dir))
	if err != nil {
		return p.Fail(err)
	}
	return status(p, r.Run(p.Ctx, file))
}
