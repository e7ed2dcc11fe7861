//go:build !linux

package program

import (
	"fmt"
	"syscall"
)

func (program) isolate(port int) error {
	return fmt.Errorf("binding port %d for the servers' SSH: not permitted; use --ssh-port 2222", port)
}

func loopbackUp() error { return nil }

func dieWithParent(*syscall.SysProcAttr) {}
