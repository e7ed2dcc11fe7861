//go:build unix

package wholefile

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// accessible is the error of writing to a file or folder as this user.
func accessible(path string) error { return unix.Access(path, unix.W_OK) }

// keepOwner gives a file the owner of the one that it replaces, as far as this user may.
func keepOwner(f *os.File, old os.FileInfo) {
	if stat, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			_ = f.Chown(-1, int(stat.Gid))
		}
	}
}
