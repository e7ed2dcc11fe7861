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

// Create makes a file that has its name only once it is locked, so that nobody can take it for one that a dead process
// has left. Others only ask about it by Held.
func Create(path string, mode os.FileMode) (*os.File, error) {
	name := path + ".new"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return nil, err
	}
	if err = Mark(f); err == nil {
		err = os.Rename(name, path)
	}
	if err != nil {
		Close(f)
		_ = os.Remove(name)
		return nil, err
	}
	return f, nil
}

// Unlock gives up the lock. To close the file isn't enough: a process that is started at the same moment has the file, and
// its lock, until it runs its program.
func Unlock(f *os.File) {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN) // #nosec G115 -- a file's number
}

// Held reports whether a process has the file at the path locked.
func Held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer Close(f)
	free, err := Try(f, Shared)
	return !free && err == nil
}
