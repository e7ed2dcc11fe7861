package modify

import (
	"os"
	"syscall"
)

// together starts a program in a process group of its own, which ends with this process, however
// that ends.
func together() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// stop signals the program and all that it started.
func stop(p *os.Process, signal syscall.Signal) error { return syscall.Kill(-p.Pid, signal) }
