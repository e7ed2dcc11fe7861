package layout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Repository is the image's name with its registry.
func (*Layout) Repository(r reference.Reference) string { return r.Name() }

// resolve finds the digest that an image's name means; "" is none.
func (l *Layout) resolve(i registry.Image) string {
	if strings.Contains(i.Identifier, ":") {
		return i.Identifier
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.list {
		if d.Annotations[refName] == nameOf(i) {
			return d.Digest
		}
	}
	return ""
}

// Head tells which manifest an image has.
func (l *Layout) Head(ctx context.Context, i registry.Image) (registry.Descriptor, bool, error) {
	m, err := l.Manifest(ctx, i)
	if fault.Is(err, fault.NotFound) {
		return registry.Descriptor{}, false, nil
	}
	if err != nil {
		return registry.Descriptor{}, false, err
	}
	return m.Descriptor(), true, nil
}

// Manifest reads a manifest and checks its digest.
func (l *Layout) Manifest(_ context.Context, i registry.Image) (*registry.Manifest, error) {
	what := "manifest of " + nameOf(i)
	digest := l.resolve(i)
	if digest == "" {
		return nil, fault.New(fault.NotFound, "", "%s: not in the image layout", what)
	}
	if !reference.ValidDigest(digest) {
		return nil, fault.New(fault.Usage, "", "%.100q is no digest", digest)
	}
	text, err := l.text(blobName(digest), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "", "%s: %s is missing in the image layout", what, digest)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	m, err := registry.ParseManifest("", text, digest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return m, nil
}

// Blob reads a blob and checks its size and digest.
func (l *Layout) Blob(_ context.Context, _, _ string, d registry.Descriptor) (io.ReadCloser, error) {
	if !reference.ValidDigest(d.Digest) {
		return nil, fault.New(fault.Usage, "", "%.100q is no digest", d.Digest)
	}
	f, _, err := l.files.open(blobName(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "", "blob %s: missing in the image layout", d.Digest)
	}
	if err != nil {
		return nil, err
	}
	return registry.Checked(f, "blob "+d.Digest, d)
}

// HasBlob reports whether the layout has the blob, or may do without it.
func (l *Layout) HasBlob(_ context.Context, _, _ string, d registry.Descriptor) (bool, error) {
	if !reference.ValidDigest(d.Digest) {
		return false, fault.New(fault.Usage, "", "%.100q is no digest", d.Digest)
	}
	l.mu.Lock()
	repositories, given := l.given[d.Digest]
	if given {
		if l.left == nil {
			l.left = map[string][]string{}
		}
		l.left[d.Digest] = repositories
	}
	l.mu.Unlock()
	if given {
		return true, nil
	}
	f, size, err := l.files.open(blobName(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f.Close()
	return size == d.Size, nil
}

// Mount has nothing to do: a layout keeps blobs once.
func (*Layout) Mount(context.Context, string, string, string, string) (bool, error) { return true, nil }

// Upload stores a blob.
func (l *Layout) Upload(_ context.Context, _, _ string, d registry.Descriptor, body io.Reader) error {
	checked, err := registry.Checked(io.NopCloser(body), "blob "+d.Digest, d)
	if err != nil {
		return err
	}
	return l.files.write(blobName(d.Digest), d.Size, checked)
}

// PutManifest stores a manifest under a tag or a digest.
func (l *Layout) PutManifest(_ context.Context, i registry.Image, m *registry.Manifest) error {
	return l.store(i, m, !strings.Contains(i.Identifier, ":"))
}

// SomeTags are all tags of the repository.
func (l *Layout) SomeTags(_ context.Context, _, repository string) (tags []string, all bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.list {
		if tag, ok := strings.CutPrefix(d.Annotations[refName], repository+":"); ok && !strings.Contains(tag, "/") {
			tags = append(tags, tag)
		}
	}
	return tags, true, nil
}

// Referrers are what is attached to the manifest.
func (l *Layout) Referrers(ctx context.Context, i registry.Image) (all []registry.Descriptor, known bool, err error) {
	l.mu.Lock()
	list := slices.Clone(l.list)
	l.mu.Unlock()
	for _, d := range list {
		if !strings.HasPrefix(d.Annotations[refName], i.Repository+"@") {
			continue
		}
		m, err := l.Manifest(ctx, registry.Image{Repository: i.Repository, Identifier: d.Digest})
		if err != nil {
			return nil, true, err
		}
		if m.Subject != nil && m.Subject.Digest == i.Identifier {
			all = append(all, d)
		}
	}
	return all, true, nil
}

// Attach stores a manifest; its subject is in it.
func (l *Layout) Attach(_ context.Context, i registry.Image, m *registry.Manifest) error {
	return l.store(i.With(m.Digest), m, true)
}
