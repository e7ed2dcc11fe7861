package imageserve

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
)

// Delete removes a tag. What nothing refers to any more stays until it is pruned.
func (f *Folder) Delete(ctx context.Context, repository, tag string) error {
	if err := f.writing(); err != nil {
		return err
	}
	dir := path.Join("v2", repository, "manifests")
	file := path.Join(dir, tag+typeMapSuffix)
	if _, err := f.root.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		file = path.Join(dir, tag)
		if info, linkErr := f.root.Lstat(file); linkErr != nil || info.Mode()&fs.ModeSymlink == 0 {
			return missing("tag "+tag+" of "+repository, err)
		}
	}
	return f.retag(ctx, repository, tag, false, func() error { return disk.Explain(file, f.root.Remove(file)) })
}
