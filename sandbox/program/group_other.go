//go:build !unix

package program

import (
	"os"
	"syscall"
)

// ownGroup is nothing special where there are no process groups.
func ownGroup(*syscall.SysProcAttr, *os.File) {}

// signalGroup ends the command: where there are no signals, nothing else can be forwarded.
func signalGroup(p *os.Process, _ syscall.Signal) { _ = p.Kill() }
