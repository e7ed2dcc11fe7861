//go:build unix

package wholefile

import (
	"os"
	"syscall"
)

// keepOwner gives a file the owner of the one that it replaces, as far as this user may.
func keepOwner(f *os.File, old os.FileInfo) {
	if stat, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			_ = f.Chown(-1, int(stat.Gid))
		}
	}
}
