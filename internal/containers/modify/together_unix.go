//go:build unix && !linux

package modify

import (
	"context"
	"os"
	"syscall"
)

func together(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func apart(context.Context, *programs) []string { return nil }

func stop(p *os.Process, signal syscall.Signal) error { return syscall.Kill(-p.Pid, signal) }
