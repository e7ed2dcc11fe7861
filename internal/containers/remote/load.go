package remote

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// maxConfig is how large an image's configuration may be.
const maxConfig = 8 << 20

// Source is where images are read: a registry's client, or a store on a disk.
type Source interface {
	Manifest(ctx context.Context, i registry.Image) (*registry.Manifest, error)
	Blob(ctx context.Context, host, repository string, d registry.Descriptor) (io.ReadCloser, error)
}

// Load reads an image's manifest and configuration; of an index, those of its image for linux/amd64,
// else of its first. Layers are fetched when they are read, under ctx.
func Load(ctx context.Context, c Source, from registry.Image) (v1.Image, error) {
	m, err := c.Manifest(ctx, from)
	if err != nil {
		return nil, err
	}
	if m.IsIndex() {
		child, err := m.Preferred()
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", from, err)
		}
		if m, err = c.Manifest(ctx, from.With(child.Digest)); err != nil {
			return nil, err
		}
	}
	if m.Config.Size > maxConfig {
		return nil, fault.New(fault.Usage, "", "image %s: its configuration has %d bytes, which is too large", from, m.Config.Size)
	}
	body, err := c.Blob(ctx, from.Host, from.Repository, m.Config)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	config, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", from, err)
	}
	l := &loaded{ctx: ctx, c: c, from: from, manifest: m, config: config}
	l.whole, err = partial.CompressedToImage(l)
	return l.whole, err
}

// loaded is an image in a registry.
type loaded struct {
	ctx      context.Context //nolint:containedctx // go-containerregistry's interfaces take none
	c        Source
	from     registry.Image
	manifest *registry.Manifest
	config   []byte
	whole    v1.Image
}

// RawManifest gives the manifest's bytes.
func (l *loaded) RawManifest() ([]byte, error) { return l.manifest.Bytes, nil }

// RawConfigFile gives the configuration's bytes.
func (l *loaded) RawConfigFile() ([]byte, error) { return l.config, nil }

// MediaType is the manifest's.
func (l *loaded) MediaType() (types.MediaType, error) {
	return types.MediaType(l.manifest.MediaType), nil
}

// LayerByDigest is the layer, or the configuration, of that digest.
func (l *loaded) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range l.manifest.Refers() {
		if d.Digest == digest.String() {
			return &layer{l, d}, nil
		}
	}
	return nil, fmt.Errorf("image %s has no layer %s", l.from, digest)
}

// layer is one of a loaded image.
type layer struct {
	image *loaded
	d     registry.Descriptor
}

// Digest is the digest of the compressed layer.
func (l *layer) Digest() (v1.Hash, error) { return v1.NewHash(l.d.Digest) }

// Size is that of the compressed layer, in bytes.
func (l *layer) Size() (int64, error) { return l.d.Size, nil }

// MediaType is what the manifest says of the layer.
func (l *layer) MediaType() (types.MediaType, error) { return types.MediaType(l.d.MediaType), nil }

// Compressed fetches the layer.
func (l *layer) Compressed() (io.ReadCloser, error) {
	return l.image.c.Blob(l.image.ctx, l.image.from.Host, l.image.from.Repository, l.d)
}

// DiffID is what the configuration says of the layer.
func (l *layer) DiffID() (v1.Hash, error) {
	digest, err := l.Digest()
	if err != nil {
		return digest, err
	}
	return partial.BlobToDiffID(l.image.whole, digest)
}
