package imageserve

import (
	"context"
	"io"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Images is a Folder as a store of images that are copied: any index is accepted, and what is read is
// checked.
type Images struct{ *Folder }

type blobKey struct{ repository, digest string }

func anything(string) bool { return true }

// Repository is the image's name without its registry.
func (Images) Repository(r reference.Reference) string { return r.Path }

// Head tells which manifest an image has. One whose blobs aren't all there, in their sizes, counts as
// none: others have left halves.
func (f Images) Head(ctx context.Context, i registry.Image) (registry.Descriptor, bool, error) {
	m, err := f.Manifest(ctx, i)
	if err == nil {
		err = f.check(ctx, &Checked{Repository: i.Repository, Tag: i.Identifier}, []string{m.Digest}, false)
	}
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Drift):
		return registry.Descriptor{}, false, nil
	case err != nil:
		return registry.Descriptor{}, false, err
	}
	return m.Descriptor(), true, nil
}

// Manifest reads a manifest and checks its digest.
func (f Images) Manifest(_ context.Context, i registry.Image) (*registry.Manifest, error) {
	m, err := f.Folder.Manifest(i.Repository, i.Identifier, anything)
	if err != nil {
		return nil, err
	}
	return registry.ParseManifest(m.MediaType, m.Bytes, m.Digest)
}

// Blob reads a blob and checks its size and digest.
func (f Images) Blob(_ context.Context, _, repository string, d registry.Descriptor) (io.ReadCloser, error) {
	file, err := f.Folder.Blob(repository, d.Digest)
	if err != nil {
		return nil, err
	}
	return registry.Checked(file, "blob "+d.Digest+" of "+repository, d)
}

// HasBlob reports whether the repository has the blob, whole: others have left half of one.
func (f Images) HasBlob(_ context.Context, _, repository string, d registry.Descriptor) (bool, error) {
	key := blobKey{repository, d.Digest}
	f.mu.Lock()
	known := f.whole[key]
	f.mu.Unlock()
	if known {
		return true, nil
	}
	file, err := f.Folder.Blob(repository, d.Digest)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	body, err := registry.Checked(file, "blob "+d.Digest, d)
	if err != nil {
		file.Close()
		return false, err
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		return false, nil // it isn't the blob, and is replaced
	}
	f.isWhole(key)
	return true, nil
}

func (f *Folder) isWhole(key blobKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.whole == nil {
		f.whole = map[blobKey]bool{}
	}
	f.whole[key] = true
}

// SomeTags are all tags of the repository.
func (f Images) SomeTags(_ context.Context, _, repository string) (tags []string, all bool, err error) {
	tags, err = f.Tags(repository)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return tags, err == nil, err
}
