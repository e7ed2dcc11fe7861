//go:build linux

package userland

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func init() {
	registerAlone(map[string]Command{"env": env, "timeout": timeout, "nohup": nohup, "nice": nice, "setsid": setsid, "time": timed})
	register(map[string]Command{"printenv": printenv})
}

func env(p *Proc) int {
	f, args, ok := p.options("+iu:0C:S:", "ignore-environment=i", "unset=u", "null=0", "chdir=C", "split-string=S")
	if !ok {
		return 125
	}
	environ := slices.Clone(p.Environ)
	if f.has('i') {
		environ = nil
	}
	for _, name := range f['u'] {
		environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	}
	if f.has('C') {
		p.Dir = p.Path(f.value('C', ""))
	}
	if f.has('S') {
		args = append(strings.Fields(f.value('S', "")), args...)
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		environ = set(environ, args[0])
		args = args[1:]
	}
	if len(args) == 0 {
		for _, e := range environ {
			fmt.Fprintln(p.Out, e)
		}
		return 0
	}
	if environ == nil {
		environ = []string{}
	}
	return p.spawn(args, nil, environ)
}

// set puts NAME=value into an environment.
func set(environ []string, entry string) []string {
	name, _, _ := strings.Cut(entry, "=")
	environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	return append(environ, entry)
}

func printenv(p *Proc) int {
	if len(p.Args) == 0 {
		for _, e := range p.Environ {
			fmt.Fprintln(p.Out, e)
		}
		return 0
	}
	status := 0
	for _, name := range p.Args {
		i := slices.IndexFunc(p.Environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if i < 0 {
			status = 1
			continue
		}
		fmt.Fprintln(p.Out, p.Environ[i][len(name)+1:])
	}
	return status
}

func nohup(p *Proc) int {
	if len(p.Args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	ignoreHangup()
	if f, ok := p.Out.(*os.File); ok && IsTerminal(f) {
		o, err := os.OpenFile(p.Path("nohup.out"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return p.Fail(err)
		}
		defer o.Close()
		p.Out, p.Err = o, o
	}
	return p.spawn(p.Args, nil, nil)
}

func nice(p *Proc) int {
	_, args, ok := p.options("+n:", "adjustment=n")
	if !ok || len(args) == 0 {
		return p.usage("[-n N] COMMAND [ARG]...")
	}
	return p.spawn(args, nil, nil)
}

func setsid(p *Proc) int {
	_, args, ok := p.options("+fwc", "fork=f", "wait=w")
	if !ok || len(args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	_, _ = unix.Setsid()
	return p.spawn(args, nil, nil)
}
