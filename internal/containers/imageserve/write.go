package imageserve

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// PutManifest stores a manifest under a tag or a digest. Its blobs and, of an index, its manifests have
// to be there.
func (f Images) PutManifest(ctx context.Context, i registry.Image, m *registry.Manifest) error {
	if err := usable(i.Repository, m.Digest); err != nil {
		return err
	}
	if err := f.writing(); err != nil {
		return err
	}
	dir := path.Join("v2", i.Repository, "manifests")
	headers := fmt.Sprintf("Header set Content-Type %q\nHeader set Docker-Content-Digest %q\nHeader set ETag %q\n", m.MediaType, m.Digest,
		m.Digest)
	if err := disk.Text(f.root, path.Join(dir, m.Digest, ".htaccess"), []byte(headers)); err != nil {
		return err
	}
	if err := disk.Text(f.root, path.Join(dir, m.Digest, "index.json"), m.Bytes); err != nil {
		return err
	}
	if strings.Contains(i.Identifier, ":") {
		return nil
	}
	if !reference.ValidTag(i.Identifier) {
		return fault.New(fault.Usage, "", "%.150q is no tag", i.Identifier)
	}
	typeMap, err := f.typeMap(ctx, i, m)
	if err != nil {
		return err
	}
	return f.retag(ctx, i.Repository, i.Identifier, true, func() error {
		return disk.Text(f.root, path.Join(dir, i.Identifier+typeMapSuffix), typeMap)
	})
}

// typeMap is what Apache gives for a tag, by the types that are accepted. Who accepts no index gets its
// preferred image.
func (f Images) typeMap(ctx context.Context, i registry.Image, m *registry.Manifest) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "URI: %s\n\nContent-Type: %s\nURI: %s/index.json\n\n", i.Identifier, m.MediaType, m.Digest)
	if m.IsIndex() && len(m.Manifests) > 0 {
		child, err := m.Preferred()
		if err != nil {
			return nil, err
		}
		// Its own manifest tells its type for certain; an index of what is attached may list what isn't here.
		if own, err := f.Manifest(ctx, i.With(child.Digest)); err == nil {
			fmt.Fprintf(&b, "Content-Type: %s\nURI: %s/index.json\n\n", own.MediaType, own.Digest)
		}
	}
	return []byte(b.String()), nil
}
