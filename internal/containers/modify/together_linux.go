package modify

import (
	"os"
	"syscall"
)

// together starts a program in a process group of its own, which ends with this process, however
// that ends. What it mounts, root's program mounts for itself alone, so that nothing stays mounted
// after it.
func together(mounts bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if mounts && os.Getuid() == 0 {
		attr.Unshareflags = syscall.CLONE_NEWNS
	}
	return attr
}

// stop signals the program and all that it started.
func stop(p *os.Process, signal syscall.Signal) error { return syscall.Kill(-p.Pid, signal) }
