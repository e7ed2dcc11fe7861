//go:build linux

package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

func init() {
	registerAlone(map[string]command{"sh": sh, "bash": sh, "dash": sh, "ash": sh})
}

// call is a parsed command line of the shell.
type call struct {
	options     []string // for set, such as -e
	command     string   // of -c
	hasCommand  bool
	stdin       bool // -s
	interactive bool
	login       bool
	rest        []string
}

func parseCall(args []string) (call, error) {
	var c call
	for len(args) > 0 {
		a := args[0]
		if a == "--" || a == "-" {
			args = args[1:]
			break
		}
		if len(a) < 2 || a[0] != '-' && a[0] != '+' {
			break
		}
		args = args[1:]
		if strings.HasPrefix(a, "--") {
			c.login = c.login || a == "--login"
			continue // bash's long options change nothing here
		}
		for _, o := range a[1:] {
			switch o {
			case 'c':
				c.hasCommand = true
			case 's':
				c.stdin = true
			case 'i':
				c.interactive = true
			case 'l':
				c.login = true
			case 'o':
				if len(args) == 0 {
					return c, errors.New("-o: option requires an argument")
				}
				if args[0] == "pipefail" || args[0] == "errexit" || args[0] == "nounset" || args[0] == "xtrace" {
					c.options = append(c.options, a[:1]+"o", args[0])
				}
				args = args[1:]
			case 'e', 'u', 'x', 'n', 'f', 'a':
				c.options = append(c.options, a[:1]+string(o))
			}
		}
	}
	if c.hasCommand {
		if len(args) == 0 {
			return c, errors.New("-c: option requires an argument")
		}
		c.command, args = args[0], args[1:]
	}
	c.rest = args
	return c, nil
}

// sh is the shell: mvdan.cc/sh's interpreter with the built-in programs.
func sh(p *proc) int {
	second := isSecond()
	c, err := parseCall(p.args)
	if err != nil {
		fmt.Fprintf(p.err, "%s: %v\n", p.name, err)
		return 2
	}
	name, src := p.name, io.Reader(nil)
	switch {
	case c.hasCommand:
		src = strings.NewReader(c.command)
		if len(c.rest) > 0 {
			name, c.rest = c.rest[0], c.rest[1:]
		}
	case len(c.rest) > 0 && !c.stdin:
		name = c.rest[0]
		f, err := os.Open(p.path(name))
		if err != nil {
			fmt.Fprintf(p.err, "%s: %s: %s\n", p.name, name, capital(cause(err)))
			return 127
		}
		defer f.Close()
		src, c.rest = f, c.rest[1:]
	}
	r, err := newRunner(p, c)
	if err != nil {
		fmt.Fprintf(p.err, "%s: %v\n", p.name, err)
		return 2
	}
	if c.login || p.login {
		sourceProfile(p, r)
	}
	switch {
	case src != nil:
		return runFile(p, r, src, name, second, false)
	case c.interactive || isPerson(p.in):
		return runTyped(p, r)
	}
	return runFile(p, r, p.in, p.name, second, true)
}

func newRunner(p *proc, c call) (*interp.Runner, error) {
	params := append(slices.Clone(c.options), "--")
	return interp.New(
		interp.StdIO(p.in, p.out, p.err),
		interp.Params(append(params, c.rest...)...),
		interp.CallHandler(adapt),
		interp.ExecHandlers(dispatch),
	)
}

// runFile runs a whole script; once tells that it comes from a stream that can't be read again.
func runFile(p *proc, r *interp.Runner, src io.Reader, name string, second, once bool) int {
	b, err := io.ReadAll(src)
	if err != nil {
		return p.fail(err)
	}
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	file, err := parser.Parse(strings.NewReader(string(b)), name)
	if err != nil {
		fmt.Fprintf(p.err, "%s: %v\n", p.name, err)
		return 2
	}
	if !second && hasBackground(file) {
		if !once {
			return p.runSecond("")
		}
		return p.runSecond(string(b))
	}
	code := status(p, r.Run(p.ctx, file))
	if second {
		return p.stay(r, code)
	}
	return code
}

func isPerson(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && isTerminal(f)
}

// runTyped runs commands as a person types them, with a prompt.
func runTyped(p *proc, r *interp.Runner) int {
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	prompt := func(s string) { fmt.Fprint(p.err, s) }
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT)
	signal.Ignore(syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGTSTP) // as any shell that a person types into
	code := 0
	prompt(promptText(r, p))
	for stmts, err := range parser.InteractiveSeq(p.in) {
		if err != nil {
			fmt.Fprintf(p.err, "%s: %v\n", p.name, err)
			return 2
		}
		if parser.Incomplete() {
			prompt("> ")
			continue
		}
		for _, s := range stmts {
			code = runUntil(p, r, s, interrupted)
			if r.Exited() {
				return code
			}
		}
		prompt(promptText(r, p))
	}
	fmt.Fprintln(p.err)
	return code
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// runUntil runs a statement, at most until Ctrl-C.
func runUntil(p *proc, r *interp.Runner, s *syntax.Stmt, interrupted <-chan os.Signal) int {
	ctx, cancel := context.WithCancel(p.ctx)
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
		fmt.Fprintln(p.err)
		return 128 + int(syscall.SIGINT)
	}
	return status(p, err)
}

func promptText(r *interp.Runner, p *proc) string {
	host, _ := os.Hostname()
	end := "$"
	if os.Geteuid() == 0 {
		end = "#"
	}
	dir := r.Dir
	if home := p.getenv("HOME"); home != "" && dir == home {
		dir = "~"
	}
	return fmt.Sprintf("%s@%s:%s%s ", userName(os.Geteuid()), host, dir, end)
}

func sourceProfile(p *proc, r *interp.Runner) {
	for _, file := range []string{"/etc/profile", filepath.Join(p.getenv("HOME"), ".profile")} {
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
			_ = r.Run(p.ctx, s)
		}
	}
}

// status is the exit status of a run.
func status(p *proc, err error) int {
	var s interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &s):
		return int(s)
	default:
		fmt.Fprintf(p.err, "%s: %v\n", p.name, err)
		return 1
	}
}

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
		path, err := Which(args[0], environ, h.Dir)
		if err != nil {
			fmt.Fprintf(h.Stderr, "sh: %v\n", err)
			if strings.HasSuffix(err.Error(), "denied") {
				return interp.ExitStatus(126)
			}
			return interp.ExitStatus(127)
		}
		name := filepath.Base(path)
		run, ok := commands[name]
		if !ok || alone[name] || !isBuiltin(path) {
			return next(ctx, args)
		}
		p := &proc{ctx: ctx, name: name, args: args[1:], in: h.Stdin, out: h.Stdout, err: h.Stderr, dir: h.Dir, environ: environ}
		if p.in == nil {
			p.in = strings.NewReader("")
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
