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
	err := f.root.Remove(path.Join(dir, tag+typeMapSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		if info, linkErr := f.root.Lstat(path.Join(dir, tag)); linkErr != nil || info.Mode()&fs.ModeSymlink == 0 {
			return missing("tag "+tag+" of "+repository, err)
		}
		err = f.root.Remove(path.Join(dir, tag))
	}
	if err != nil {
		return disk.Explain(path.Join(dir, tag), err)
	}
	return f.listTags(ctx, repository)
}
