//go:build linux

package userland

import (
	"errors"
	"fmt"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func ignoreHangup() { signal.Ignore(syscall.SIGHUP) }

func kill(p *Proc) int {
	sig, args := syscall.SIGTERM, p.Args
	if len(args) > 0 && args[0] == "-l" {
		fmt.Fprintln(p.Out, "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN "+
			"TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS")
		return 0
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := args[0][1:]
		args = args[1:]
		if (name == "s" || name == "n") && len(args) > 0 {
			name, args = args[0], args[1:]
		}
		if name != "-" {
			var ok bool
			if sig, ok = signalByName(name); !ok {
				return p.failf("%s: invalid signal specification", name)
			}
		}
	}
	status := 0
	for _, a := range args {
		pid, err := strconv.Atoi(a)
		if err == nil {
			err = syscall.Kill(pid, sig)
		} else {
			err = errors.New("arguments must be process IDs")
		}
		if err != nil {
			status = p.failf("(%s) - %s", a, capital(err))
		}
	}
	return status
}

func signalByName(name string) (syscall.Signal, bool) {
	if n, err := strconv.Atoi(name); err == nil {
		return syscall.Signal(n), true
	}
	s := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"))
	return s, s != 0
}
