//go:build unix

package session

import "syscall"

// Resized is the signal of a terminal whose size has changed.
const Resized = syscall.SIGWINCH
