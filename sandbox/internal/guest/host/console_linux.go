package host

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// consoleKept bounds a console's log: a guest can't fill the host's disk with it.
const consoleKept = 1 << 20

// console appends what a guest writes to its log. The guest has a pipe, never the file.
type console struct {
	mu   sync.Mutex
	file *os.File
	size int64
}

func openConsole(path string) (*console, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the console's log: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("opening the console's log: %w", err)
	}
	return &console{file: f, size: size}, nil
}

// Write keeps the newer half of the log when it is full. It takes everything, so that no guest waits for its console.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := len(b)
	b = b[max(0, len(b)-consoleKept/2):]
	if c.size+int64(len(b)) > consoleKept {
		c.halve()
	}
	n, err := c.file.Write(b)
	c.size += int64(n)
	if err != nil {
		return taken, nil // a full disk costs the log, not the guest
	}
	return taken, nil
}

func (c *console) halve() {
	tail := make([]byte, min(c.size, consoleKept/2))
	n, _ := c.file.ReadAt(tail, c.size-int64(len(tail)))
	if c.file.Truncate(0) != nil {
		return
	}
	_, _ = c.file.Seek(0, io.SeekStart)
	n, _ = c.file.Write(tail[:n])
	c.size = int64(n)
}

func (c *console) Close() error { return c.file.Close() }
