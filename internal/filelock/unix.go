//go:build unix

package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Try takes the lock, unless others have one that is in the way.
func Try(f *os.File, kind Kind) (taken bool, err error) {
	how := unix.LOCK_EX
	if kind == Shared {
		how = unix.LOCK_SH
	}
	for {
		switch err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); { // #nosec G115 -- a file's number
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.EBADF), errors.Is(err, unix.ENOTSUP): // of some network file systems
			return true, nil
		default:
			return err == nil, err
		}
	}
}

// Held reports whether a process has the file at the path locked.
func Held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	free, err := Try(f, Shared)
	return !free && err == nil
}
