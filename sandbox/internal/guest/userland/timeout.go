//go:build linux

package userland

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

func timeout(p *Proc) int {
	f, args, ok := p.options("+s:k:vp", "signal=s", "kill-after=k", "foreground=p", "preserve-status=v")
	if !ok || len(args) < 2 {
		return p.usage("DURATION COMMAND [ARG]...")
	}
	limit, err := duration(args[0])
	if err != nil {
		p.Fail(err)
		return 125
	}
	sig, ok := signalByName(f.value('s', "TERM"))
	if !ok {
		return p.usage("[-s SIGNAL] DURATION COMMAND [ARG]...")
	}
	file, err := Which(args[1], p.Environ, p.Dir)
	if err != nil {
		fmt.Fprintf(p.Err, "timeout: %v\n", err)
		return 127
	}
	ctx, cancel := context.WithTimeout(p.Ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, file)
	cmd.Args, cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = args[1:], p.Environ, p.Dir, p.In, p.Out, p.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(sig) }
	if k, err := duration(f.value('k', "")); err == nil {
		cmd.WaitDelay = k
	}
	code := p.wait(cmd)
	if ctx.Err() != nil && p.Ctx.Err() == nil {
		return 124
	}
	return code
}

func timed(p *Proc) int {
	_, args, ok := p.options("+pv")
	if !ok || len(args) == 0 {
		return p.usage("COMMAND [ARG]...")
	}
	started := time.Now()
	code := p.spawn(args, nil, nil)
	fmt.Fprintf(p.Err, "real\t%.3fs\n", time.Since(started).Seconds())
	return code
}
