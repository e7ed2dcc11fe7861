//go:build !unix

package conformance

import (
	"os"
	"syscall"
)

// ownGroup is nothing special where there are no process groups.
func ownGroup() *syscall.SysProcAttr { return nil }

// killGroup kills the process alone.
func killGroup(p *os.Process) { _ = p.Kill() }
