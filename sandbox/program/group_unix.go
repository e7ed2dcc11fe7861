//go:build unix

package program

import (
	"os"
	"syscall"

	"golang.org/x/term"
)

// ownGroup starts a command in a process group of its own, in the foreground of the terminal if stdin is one.
func ownGroup(attr *syscall.SysProcAttr, stdin *os.File) {
	attr.Setpgid = true
	if tty := int(stdin.Fd()); term.IsTerminal(tty) {
		attr.Foreground, attr.Ctty = true, tty
	}
}

// signalGroup forwards a signal to a command's group; one that is gone needs none.
func signalGroup(p *os.Process, s syscall.Signal) { _ = syscall.Kill(-p.Pid, s) }
