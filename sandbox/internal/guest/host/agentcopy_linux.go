package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// agentCopy makes this boot's own copy of the agent in the instance folder. Where the guest's root is the user who
// runs the sandbox, it may change whatever inode it runs from, its mode included; a copy that nobody else runs, and
// that no later boot uses, is nothing to gain.
func agentCopy(agent, dir string) (path string, err error) {
	path = filepath.Join(dir, "agent")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("copying the agent: %w", err)
	}
	from, err := os.Open(agent)
	if err != nil {
		return "", fmt.Errorf("copying the agent: %w", err)
	}
	defer from.Close()
	// Nothing is forked while the copy is open: a child would keep it open for writing until it executes its own
	// program, and until then the copy couldn't be executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return "", fmt.Errorf("copying the agent: %w", err)
	}
	if unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) != nil {
		_, err = io.Copy(to, from)
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return "", fmt.Errorf("copying the agent: %w", err)
	}
	return path, nil
}
