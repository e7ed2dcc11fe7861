//go:build linux

package agent

import (
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// console is the guest's console: what is written to it is what Nova's console output shows.
type console struct {
	mu sync.Mutex
	w  io.Writer
}

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.w.Write(b)
}

var booted = time.Now()

// Printf writes a line as the kernel would, with the time since boot.
func (c *console) Printf(format string, a ...any) {
	fmt.Fprintf(c, "[%12.6f] %s\n", time.Since(booted).Seconds(), fmt.Sprintf(format, a...))
}

// serveDevice makes a /dev/console that programs can write to. A guest without one works as well.
func (c *console) serveDevice(path string) {
	if err := syscall.Mkfifo(path, 0o622); err != nil {
		return
	}
	_ = os.Chmod(path, 0o622)
	f, err := os.OpenFile(path, os.O_RDWR, 0) // for both ways, so that it never ends
	if err != nil {
		return
	}
	go func() { _, _ = io.Copy(c, f) }()
}
