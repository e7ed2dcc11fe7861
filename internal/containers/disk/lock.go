package disk

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
)

// lockTime is far more than it takes to write a list: whoever takes longer hangs.
const lockTime = 2 * time.Minute

// Lock waits until nobody else has the file locked, and locks it until Unlock. It fails if the
// context ends first, or after two minutes; the error calls the file by the name.
func Lock(ctx context.Context, f *os.File, name string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lockTime,
		fault.New(fault.Conflict, "find out which process that is, and run it again", "it has kept it for %s", lockTime))
	defer cancel()
	if err := filelock.Take(ctx, f, func() {}); err != nil {
		return fmt.Errorf("waiting for another process, which has locked %s: %w", name, err)
	}
	return nil
}

// Share locks the file together with others who share it, until Unlock, or fails if somebody owns it.
func Share(f *os.File) error { return take(f, filelock.Shared) }

// Own locks the file until Unlock, or fails if somebody else has it locked.
func Own(f *os.File) error { return take(f, filelock.Alone) }

// Unlock gives up the lock and closes the file.
func Unlock(f *os.File) { filelock.Close(f) }

func take(f *os.File, kind filelock.Kind) error {
	switch taken, err := filelock.Try(f, kind); {
	case err != nil:
		return fmt.Errorf("locking %s: %w", f.Name(), err)
	case !taken:
		return fault.New(fault.Conflict, "wait for it", "another process is at work on %s", f.Name())
	}
	return nil
}
