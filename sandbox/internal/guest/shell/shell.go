//go:build linux

// Package shell is what a guest has where its image brings no shell: a POSIX shell and the core utilities in one
// executable, told apart by the name it is called by.
package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// command is a built-in program. Its result is the exit status.
type command func(p *proc) int

// commands are all built-in programs by name, filled by the files that hold them.
var commands = map[string]command{}

// alone are the commands that the shell runs as a process of their own, as they start others or become another user.
var alone = map[string]bool{}

func register(m map[string]command) { maps.Copy(commands, m) }

func registerAlone(m map[string]command) {
	register(m)
	for name := range m {
		alone[name] = true
	}
}

// Has reports whether name is a built-in program. A log-in shell's name starts with "-".
func Has(name string) bool {
	_, ok := commands[strings.TrimPrefix(name, "-")]
	return ok
}

// Names lists the built-in programs in order.
func Names() []string { return slices.Sorted(maps.Keys(commands)) }

// Main runs the program that args names on the process's own files and answers its exit status.
func Main(args []string) int {
	name := filepath.Base(args[0])
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	p := &proc{
		ctx: context.Background(), name: strings.TrimPrefix(name, "-"), args: args[1:], login: strings.HasPrefix(name, "-"),
		in: os.Stdin, out: os.Stdout, err: os.Stderr, dir: dir, environ: os.Environ(),
	}
	return commands[p.name](p)
}

// proc is what a program knows of itself, whether it is a process or runs inside the shell.
type proc struct {
	ctx      context.Context
	name     string
	args     []string // without the name
	login    bool
	in       io.Reader
	out, err io.Writer
	dir      string
	environ  []string
}

// path makes a path that an argument names absolute.
func (p *proc) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.dir, name)
}

func (p *proc) getenv(key string) string { return lookup(p.environ, key) }

func lookup(environ []string, key string) string {
	for _, e := range slices.Backward(environ) {
		if v, ok := strings.CutPrefix(e, key+"="); ok {
			return v
		}
	}
	return ""
}

// fail prints an error and answers status 1.
func (p *proc) fail(err error) int {
	if errors.Is(err, syscall.EPIPE) {
		return 128 + int(syscall.SIGPIPE)
	}
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		fmt.Fprintf(p.err, "%s: %s: %s\n", p.name, pe.Path, capital(pe.Err))
	case errors.As(err, &le):
		fmt.Fprintf(p.err, "%s: %s: %s\n", p.name, le.New, capital(le.Err))
	default:
		fmt.Fprintf(p.err, "%s: %v\n", p.name, err)
	}
	return 1
}

func (p *proc) failf(format string, a ...any) int { return p.fail(fmt.Errorf(format, a...)) }

// capital writes a system error as libc does.
func capital(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

// usage prints how to call the program and answers status 2.
func (p *proc) usage(synopsis string) int {
	fmt.Fprintf(p.err, "usage: %s %s\n", p.name, synopsis)
	return 2
}

// inputs calls visit with each named file, "-" and none at all meaning standard input.
func (p *proc) inputs(names []string, visit func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := 0
	for _, name := range names {
		if err := p.input(name, visit); err != nil {
			status = p.fail(err)
		}
	}
	return status
}

func (p *proc) input(name string, visit func(name string, r io.Reader) error) error {
	if name == "-" {
		return visit(name, p.in)
	}
	f, err := os.Open(p.path(name))
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

// flags are the parsed options of a call: by letter, with their values in order.
type flags map[byte][]string

func (f flags) has(c byte) bool { _, ok := f[c]; return ok }

func (f flags) value(c byte, def string) string {
	if v := f[c]; len(v) > 0 {
		return v[len(v)-1]
	}
	return def
}

// options parses args in the manner of getopt: spec lists the letters, one followed by ":" takes a value; "+" as the
// first stops at the first operand. Each of long is "name=letter".
func (p *proc) options(spec string, long ...string) (flags, []string, bool) {
	early := strings.HasPrefix(spec, "+")
	takes := func(c byte) (known, value bool) {
		i := strings.IndexByte(spec, c)
		return i >= 0 && c != ':' && c != '+', i >= 0 && i+1 < len(spec) && spec[i+1] == ':'
	}
	f, rest := flags{}, []string{}
	for i := 0; i < len(p.args); i++ {
		a := p.args[i]
		switch {
		case a == "--":
			return f, append(rest, p.args[i+1:]...), true
		case strings.HasPrefix(a, "--"):
			name, v, inline := strings.Cut(a[2:], "=")
			c := letter(long, name)
			known, value := takes(c)
			if c == 0 || !known {
				fmt.Fprintf(p.err, "%s: unrecognized option '%s'\n", p.name, a)
				return nil, nil, false
			}
			if value && !inline {
				if i++; i >= len(p.args) {
					fmt.Fprintf(p.err, "%s: option '%s' requires an argument\n", p.name, a)
					return nil, nil, false
				}
				v = p.args[i]
			}
			f[c] = append(f[c], v)
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				known, value := takes(a[j])
				if !known {
					fmt.Fprintf(p.err, "%s: invalid option -- '%c'\n", p.name, a[j])
					return nil, nil, false
				}
				if !value {
					f[a[j]] = append(f[a[j]], "")
					continue
				}
				v := a[j+1:]
				if v == "" {
					if i++; i >= len(p.args) {
						fmt.Fprintf(p.err, "%s: option requires an argument -- '%c'\n", p.name, a[j])
						return nil, nil, false
					}
					v = p.args[i]
				}
				f[a[j]] = append(f[a[j]], v)
				break
			}
		default:
			if early {
				return f, append(rest, p.args[i:]...), true
			}
			rest = append(rest, a)
		}
	}
	return f, rest, true
}

func letter(long []string, name string) byte {
	for _, l := range long {
		if n, c, _ := strings.Cut(l, "="); n == name && c != "" {
			return c[0]
		}
	}
	return 0
}

// Which finds the executable of a command in environ's $PATH, seen from dir.
func Which(name string, environ []string, dir string) (string, error) {
	if strings.Contains(name, "/") {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		st, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("%s: %s", name, capital(cause(err)))
		}
		if st.IsDir() || st.Mode()&0o111 == 0 {
			return "", fmt.Errorf("%s: Permission denied", name)
		}
		return path, nil
	}
	path := lookup(environ, "PATH")
	if path == "" {
		path = "/usr/bin:/bin"
	}
	for _, d := range append(filepath.SplitList(path), control.AgentDir+"/bin") {
		file := filepath.Join(dir, d, name)
		if filepath.IsAbs(d) {
			file = filepath.Join(d, name)
		}
		if st, err := os.Stat(file); err == nil && !st.IsDir() && st.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s: command not found", name)
}
