//go:build linux

package shell

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

func isPerson(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && userland.IsTerminal(f)
}

// runTyped runs commands as a person types them, with a prompt.
func runTyped(p *userland.Proc, r *interp.Runner) int {
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	prompt := func(s string) { fmt.Fprint(p.Err, s) }
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT)
	signal.Ignore(syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGTSTP) // as any shell that a person types into
	code := 0
	prompt(promptText(r, p))
	for stmts, err := range parser.InteractiveSeq(p.In) {
		if err != nil {
			fmt.Fprintf(p.Err, "%s: %v\n", p.Name, err)
			return 2
		}
		if parser.Incomplete() {
			prompt("> ")
			continue
		}
		for _, s := range stmts {
			var cut bool
			if code, cut = runUntil(p, r, s, interrupted); cut {
				break // what was cut short looks like an exit, too
			}
			if r.Exited() {
				return code
			}
		}
		prompt(promptText(r, p))
	}
	fmt.Fprintln(p.Err)
	return code
}

// runUntil runs a statement, at most until Ctrl-C, which has cut it short then.
func runUntil(p *userland.Proc, r *interp.Runner, s *syntax.Stmt, interrupted <-chan os.Signal) (code int, cut bool) {
	ctx, cancel := context.WithCancel(p.Ctx)
	defer cancel()
	select {
	case <-interrupted: // of the time before
	default:
	}
	go func() {
		select {
		case <-interrupted:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := r.Run(ctx, s)
	if ctx.Err() != nil {
		fmt.Fprintln(p.Err)
		return 128 + int(syscall.SIGINT), true
	}
	return status(p, err), false
}

func promptText(r *interp.Runner, p *userland.Proc) string {
	host, _ := os.Hostname()
	end := "$"
	if os.Geteuid() == 0 {
		end = "#"
	}
	dir := r.Dir
	if home := p.Getenv("HOME"); home != "" && dir == home {
		dir = "~"
	}
	return fmt.Sprintf("%s@%s:%s%s ", userland.UserName(os.Geteuid()), host, dir, end)
}

func sourceProfile(p *userland.Proc, r *interp.Runner) {
	for _, file := range []string{"/etc/profile", filepath.Join(p.Getenv("HOME"), ".profile")} {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		prog, err := syntax.NewParser().Parse(f, file)
		f.Close()
		if err != nil {
			continue
		}
		for _, s := range prog.Stmts {
			_ = r.Run(p.Ctx, s)
		}
	}
}
