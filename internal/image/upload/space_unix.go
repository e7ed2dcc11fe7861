//go:build unix

package upload

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// space is how many bytes can be written below a folder.
func space(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("looking at the disk of %s: %w", folder, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // #nosec G115 -- other systems have other types
}
