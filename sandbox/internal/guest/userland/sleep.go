//go:build linux

package userland

import (
	"fmt"
	"strconv"
	"time"
)

// duration parses what sleep and timeout take: a number with s, m, h or d.
func duration(s string) (time.Duration, error) {
	if s == "infinity" {
		return 1 << 62, nil
	}
	unit := time.Second
	if s != "" {
		switch s[len(s)-1] {
		case 's':
			s = s[:len(s)-1]
		case 'm':
			unit, s = time.Minute, s[:len(s)-1]
		case 'h':
			unit, s = time.Hour, s[:len(s)-1]
		case 'd':
			unit, s = 24*time.Hour, s[:len(s)-1]
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("invalid time interval '%s'", s)
	}
	return time.Duration(n * float64(unit)), nil
}

func sleep(p *Proc) int {
	if len(p.Args) == 0 {
		return p.failf("missing operand")
	}
	var total time.Duration
	for _, a := range p.Args {
		d, err := duration(a)
		if err != nil {
			return p.Fail(err)
		}
		total += d
	}
	t := time.NewTimer(total)
	defer t.Stop()
	select {
	case <-t.C:
		return 0
	case <-p.Ctx.Done():
		return 130
	}
}
