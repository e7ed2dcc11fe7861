package imageserve

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Free is how many bytes can be written.
func (f Images) Free() (int64, error) { return disk.FreeFor(f.dir) }

// blobFile is where a blob is kept. Apache knows by the name that a layer is compressed.
func blobFile(repository string, d registry.Descriptor) string {
	name := path.Join("v2", repository, "blobs", d.Digest)
	if strings.HasSuffix(d.MediaType, "gzip") {
		name += ".gz"
	}
	return name
}

// Mount links a blob of one repository into another.
func (f Images) Mount(_ context.Context, _, repository, digest, from string) (bool, error) {
	file, err := f.Folder.Blob(from, digest)
	if err != nil {
		return false, err
	}
	name := path.Base(file.Name())
	info, err := file.Stat()
	file.Close()
	if err != nil {
		return false, err
	}
	dir := path.Join("v2", repository, "blobs")
	if now, err := f.root.Stat(path.Join(dir, name)); err == nil && os.SameFile(now, info) {
		return true, nil
	}
	linked, err := disk.Link(f.root, path.Join("v2", from, "blobs", name), path.Join(dir, name))
	if linked {
		f.isWhole(blobKey{repository, digest})
	}
	return linked, err
}

// Upload stores a blob.
func (f Images) Upload(_ context.Context, _, repository string, d registry.Descriptor, body io.Reader) error {
	if err := usable(repository, d.Digest); err != nil {
		return err
	}
	checked, err := registry.Checked(io.NopCloser(body), "blob "+d.Digest+" of "+repository, d)
	if err != nil {
		return err
	}
	if err := f.writing(); err != nil {
		return err
	}
	if err := disk.Write(f.root, blobFile(repository, d), checked); err != nil {
		return err
	}
	f.isWhole(blobKey{repository, d.Digest})
	return nil
}

// usable keeps names within the folder's grammar.
func usable(repository, digest string) error {
	if _, err := reference.Parse(repository + "@" + digest); err != nil {
		return err
	}
	for part := range strings.SplitSeq(repository, "/") {
		if part == "blobs" || part == "manifests" || part == "tags" {
			return fault.New(fault.Usage, "", "repository %s: %q can't be part of a name in a folder of images", repository, part)
		}
	}
	return nil
}

// Finish writes the list of repositories.
func (f Images) Finish(ctx context.Context, _ bool) error {
	if err := f.writing(); err != nil {
		return err
	}
	if err := f.catalog(ctx); err != nil {
		return fmt.Errorf("listing the repositories: %w", err)
	}
	return nil
}
