package host

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// files collects what the agent inherits; the first failure sticks.
type files struct {
	opened []*os.File
	err    error
}

func (k *files) add(fd int, name string, err error) *os.File {
	if err != nil {
		if k.err == nil {
			k.err = fmt.Errorf("preparing %s: %w", name, err)
		}
		return nil
	}
	f := os.NewFile(uintptr(fd), name)
	k.opened = append(k.opened, f)
	return f
}

func (k *files) open(path string, flags int) *os.File {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	return k.add(fd, path, err)
}

// pair makes the control connection. Its first end isn't closed with the rest.
func (k *files) pair() (mine, theirs *os.File) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, k.add(-1, "the control connection", err)
	}
	return os.NewFile(uintptr(fds[0]), "control"), k.add(fds[1], "control", nil)
}

func (k *files) mount(path string) *os.File {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	return k.add(fd, path, err)
}

func (k *files) config(c control.Config) *os.File {
	b, err := json.Marshal(c)
	if err != nil {
		return k.add(-1, "the agent's configuration", err)
	}
	fd, err := unix.MemfdCreate("config", unix.MFD_CLOEXEC)
	f := k.add(fd, "the agent's configuration", err)
	if f == nil {
		return nil
	}
	_, err = f.Write(b)
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil && k.err == nil {
		k.err = fmt.Errorf("preparing the agent's configuration: %w", err)
	}
	return f
}

func (k *files) close() {
	for _, f := range k.opened {
		f.Close()
	}
}
