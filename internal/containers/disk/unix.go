//go:build unix

package disk

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Free is how many bytes can be written below the path.
func Free(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("looking at the disk of %s: %w", path, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // #nosec G115 -- other systems have other types
}

// Lock waits until nobody else has the file locked, and locks it until it is closed.
func Lock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX) // #nosec G115 -- a file's number
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// Share locks the file together with others who share it, until it is closed, or fails if somebody owns it.
func Share(f *os.File) error { return lock(f, unix.LOCK_SH) }

// Own locks the file until it is closed, or fails if somebody else has it locked.
func Own(f *os.File) error { return lock(f, unix.LOCK_EX) }

func lock(f *os.File, how int) error {
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil { // #nosec G115 -- a file's number
		return fault.New(fault.Conflict, "wait for it", "another process is at work on %s", f.Name())
	}
	return nil
}

func full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
