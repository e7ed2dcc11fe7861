//go:build unix

package discover

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// owned checks that the file belongs to the user or to root.
func owned(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return broken("its owner is unknown")
	}
	if uid := int(stat.Uid); uid != 0 && uid != os.Geteuid() {
		return fault.New(fault.Forbidden, "chown it", "it belongs to another user (uid %d)", uid)
	}
	return nil
}

// OfRoot reports whether the file belongs to root.
func OfRoot(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}
