//go:build unix

package wholefile

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

func lock(ctx context.Context, f *os.File, waiting func()) error {
	tell := sync.OnceFunc(waiting)
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); { // #nosec G115 -- a file's number
		case errors.Is(err, unix.EWOULDBLOCK):
			tell()
			if err := sleep(ctx); err != nil {
				return err
			}
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.EBADF), errors.Is(err, unix.ENOTSUP): // of some network file systems
			return nil
		default:
			return err
		}
	}
}

// keepOwner gives a file the owner of the one that it replaces, as far as this user may.
func keepOwner(f *os.File, old os.FileInfo) {
	if stat, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			_ = f.Chown(-1, int(stat.Gid))
		}
	}
}
