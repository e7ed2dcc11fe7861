package watch

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// lock waits until no other process uses the folder.
func lock(ctx context.Context, folder string, timeout time.Duration) (release func(), err error) {
	path := filepath.Join(folder, lockFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, foreignfile.Unreadable(path, err)
	}
	pace := change.Pace{First: 10 * time.Millisecond, Max: 250 * time.Millisecond}
	err = pace.Wait(ctx, "the other run that uses "+folder, timeout, func(context.Context) (bool, error) {
		taken, err := filelock.Try(f, filelock.Alone)
		if err != nil {
			return false, fault.New(fault.Internal, "", "locking %s: %w", path, err)
		}
		return taken, nil
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { filelock.Close(f) }, nil
}
