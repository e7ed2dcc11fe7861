//go:build unix && !linux

package modify

import (
	"os"
	"syscall"
)

func together(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func stop(p *os.Process, signal syscall.Signal) error { return syscall.Kill(-p.Pid, signal) }
