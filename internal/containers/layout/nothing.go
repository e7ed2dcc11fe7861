package layout

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
)

// nothing is a layout that isn't there.
type nothing struct{ path string }

func (n nothing) open(name string) (io.ReadCloser, int64, error) {
	return nil, 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

func (n nothing) write(name string, _ int64, _ io.Reader) error {
	return fmt.Errorf("writing %s of %s: %w", name, n.path, fs.ErrNotExist)
}

func (nothing) index(map[string][]byte) error { return nil }

func (nothing) lock(context.Context) (unlock func(), err error) { return func() {}, nil }

func (n nothing) free() (int64, error) { return disk.FreeFor(n.path) }

func (nothing) close() error { return nil }
