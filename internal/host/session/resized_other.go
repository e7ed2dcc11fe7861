//go:build !unix

package session

import "syscall"

// Resized is a signal that never comes: no signal tells a change of the terminal's size here.
const Resized = syscall.Signal(0x1c)
