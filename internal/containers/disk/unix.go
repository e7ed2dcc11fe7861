//go:build unix

package disk

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// NoFollow is the flag of os.OpenFile that refuses a symbolic link.
const NoFollow = unix.O_NOFOLLOW

// Free is how many bytes can be written below the path.
func Free(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("looking at the disk of %s: %w", path, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // #nosec G115 -- other systems have other types
}

func readOnly(err error) bool { return errors.Is(err, unix.EROFS) }

func full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
