//go:build !unix

package modify

import (
	"context"
	"os"
	"syscall"
)

func together(bool) *syscall.SysProcAttr { return nil }

func apart(context.Context, *programs) []string { return nil }

// stop ends the program; there is no gentler way, and none to what it started.
func stop(p *os.Process, _ syscall.Signal) error { return p.Kill() }

// held is true: without locks, nobody's folder is known to be left behind.
func held(string) bool { return true }

func hold(string) (release func(), err error) { return func() {}, nil }
