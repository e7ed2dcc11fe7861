//go:build unix

package modify

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
)

// hold locks the folder for as long as this process lives.
func hold(folder string) (release func(), err error) {
	lock, err := filelock.Create(filepath.Join(folder, "lock"), 0o600)
	if err != nil {
		return nil, err
	}
	return func() { filelock.Close(lock) }, nil
}

// held reports whether a process may still use the folder; another user's, we don't ask.
func held(folder string) bool {
	lock, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return true
	}
	defer filelock.Close(lock)
	var stat unix.Stat_t
	if unix.Fstat(int(lock.Fd()), &stat) != nil || int(stat.Uid) != os.Getuid() {
		return true
	}
	free, err := filelock.Try(lock, filelock.Alone)
	return !free || err != nil
}
