//go:build unix

package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
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

// Lock waits until nobody else has the file locked, and locks it until it is closed. It fails if the
// context ends first, or after two minutes; the error calls the file by the name.
func Lock(ctx context.Context, f *os.File, name string) error {
	start := time.Now()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) // #nosec G115 -- a file's number
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("locking %s: %w", name, err)
		case time.Since(start) > lockTime:
			return fault.New(fault.Conflict, "find out which process that is, and run it again",
				"another process has kept %s locked for %s", name, lockTime)
		case !change.Sleep(ctx, change.Jitter(lockPause)):
			return fmt.Errorf("waiting for another process, which has locked %s: %w", name, context.Cause(ctx))
		}
	}
}

// Lists are written in far less than a second; whoever takes longer hangs.
const (
	lockTime  = 2 * time.Minute
	lockPause = 50 * time.Millisecond
)

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

func readOnly(err error) bool { return errors.Is(err, unix.EROFS) }

func full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
