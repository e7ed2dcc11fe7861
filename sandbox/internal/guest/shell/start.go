//go:build linux

package shell

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	registerAlone(map[string]command{"env": env, "timeout": timeout, "nohup": nohup, "nice": nice, "setsid": setsid, "time": timed})
	register(map[string]command{"printenv": printenv})
}

func env(p *proc) int {
	f, args, ok := p.options("+iu:0C:S:", "ignore-environment=i", "unset=u", "null=0", "chdir=C", "split-string=S")
	if !ok {
		return 125
	}
	environ := slices.Clone(p.environ)
	if f.has('i') {
		environ = nil
	}
	for _, name := range f['u'] {
		environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	}
	if f.has('C') {
		p.dir = p.path(f.value('C', ""))
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
			fmt.Fprintln(p.out, e)
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

func printenv(p *proc) int {
	if len(p.args) == 0 {
		for _, e := range p.environ {
			fmt.Fprintln(p.out, e)
		}
		return 0
	}
	status := 0
	for _, name := range p.args {
		i := slices.IndexFunc(p.environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if i < 0 {
			status = 1
			continue
		}
		fmt.Fprintln(p.out, p.environ[i][len(name)+1:])
	}
	return status
}

func timeout(p *proc) int {
	f, args, ok := p.options("+s:k:vp", "signal=s", "kill-after=k", "foreground=p", "preserve-status=v")
	if !ok || len(args) < 2 {
		return p.usage("DURATION COMMAND [ARG]...")
	}
	limit, err := duration(args[0])
	if err != nil {
		p.fail(err)
		return 125
	}
	sig, ok := signalByName(f.value('s', "TERM"))
	if !ok {
		return p.usage("[-s SIGNAL] DURATION COMMAND [ARG]...")
	}
	file, err := Which(args[1], p.environ, p.dir)
	if err != nil {
		fmt.Fprintf(p.err, "timeout: %v\n", err)
		return 127
	}
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, file)
	cmd.Args, cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = args[1:], p.environ, p.dir, p.in, p.out, p.err
	cmd.Cancel = func() error { return cmd.Process.Signal(sig) }
	if k, err := duration(f.value('k', "")); err == nil {
		cmd.WaitDelay = k
	}
	code := p.wait(cmd)
	if ctx.Err() != nil && p.ctx.Err() == nil {
		return 124
	}
	return code
}

func nohup(p *proc) int {
	if len(p.args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	ignoreHangup()
	if f, ok := p.out.(*os.File); ok && isTerminal(f) {
		o, err := os.OpenFile(p.path("nohup.out"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return p.fail(err)
		}
		defer o.Close()
		p.out, p.err = o, o
	}
	return p.spawn(p.args, nil, nil)
}

func nice(p *proc) int {
	_, args, ok := p.options("+n:", "adjustment=n")
	if !ok || len(args) == 0 {
		return p.usage("[-n N] COMMAND [ARG]...")
	}
	return p.spawn(args, nil, nil)
}

func setsid(p *proc) int {
	_, args, ok := p.options("+fwc", "fork=f", "wait=w")
	if !ok || len(args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	_, _ = unix.Setsid()
	return p.spawn(args, nil, nil)
}

func timed(p *proc) int {
	_, args, ok := p.options("+pv")
	if !ok || len(args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	started := time.Now()
	code := p.spawn(args, nil, nil)
	fmt.Fprintf(p.err, "real\t%.3fs\n", time.Since(started).Seconds())
	return code
}
