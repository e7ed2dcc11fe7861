//go:build linux

package userland

import (
	"fmt"
	"strings"
)

func seq(p *Proc) int {
	_, args, ok := p.options("+ws:")
	if !ok || len(args) == 0 {
		return p.usage("[FIRST [INCREMENT]] LAST")
	}
	from, step, to := 1, 1, number(args[len(args)-1])
	if len(args) > 1 {
		from = number(args[0])
	}
	if len(args) > 2 {
		step = number(args[1])
	}
	if step == 0 {
		return p.failf("invalid increment")
	}
	for n := from; step > 0 && n <= to || step < 0 && n >= to; n += step {
		if _, err := fmt.Fprintln(p.Out, n); err != nil {
			return p.Fail(err)
		}
	}
	return 0
}

func yes(p *Proc) int {
	s := "y"
	if len(p.Args) > 0 {
		s = strings.Join(p.Args, " ")
	}
	for p.Ctx.Err() == nil {
		if _, err := fmt.Fprintln(p.Out, s); err != nil {
			return p.Fail(err)
		}
	}
	return 1
}
