package remote

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Target is where images are stored: a registry's client, or a store on a disk.
type Target interface {
	HasBlob(ctx context.Context, host, repository string, d registry.Descriptor) (bool, error)
	Upload(ctx context.Context, host, repository string, d registry.Descriptor, body io.Reader) error
	PutManifest(ctx context.Context, i registry.Image, m *registry.Manifest) error
}

// Store puts an image into a registry: what blobs the repository lacks, then the manifest under the
// tag or digest. Until the manifest is there, nothing names the blobs. It gives the image's digest.
func Store(ctx context.Context, c Target, to registry.Image, image v1.Image) (string, error) {
	bytes, err := image.RawManifest()
	if err != nil {
		return "", fmt.Errorf("image for %s: %w", to, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return "", fmt.Errorf("image for %s: %w", to, err)
	}
	layers, err := image.Layers()
	if err != nil {
		return "", fmt.Errorf("image for %s: %w", to, err)
	}
	config, err := partial.ConfigLayer(image)
	if err != nil {
		return "", fmt.Errorf("image for %s: %w", to, err)
	}
	media, err := image.MediaType()
	if err != nil {
		return "", fmt.Errorf("image for %s: %w", to, err)
	}
	m := &registry.Manifest{MediaType: string(media), Digest: digest.String(), Bytes: bytes}
	retry := change.DefaultRetry
	for try := 1; ; try++ {
		for _, l := range append(layers, config) {
			if err := StoreBlob(ctx, c, to, l); err != nil {
				return "", err
			}
		}
		// A registry may have collected a blob as garbage since it was looked up.
		err := c.PutManifest(ctx, to, m)
		if err == nil || !registry.LacksBlob(err) || try >= retry.Tries || !change.Sleep(ctx, retry.Pause(try)) {
			return m.Digest, err
		}
	}
}

// StoreBlob uploads one blob unless the repository has it. What failed in passing is repeated.
func StoreBlob(ctx context.Context, c Target, to registry.Image, l v1.Layer) error {
	digest, err := l.Digest()
	if err != nil {
		return fmt.Errorf("layer for %s: %w", to, err)
	}
	if media, err := l.MediaType(); err == nil && media.IsLayer() && !media.IsDistributable() {
		return nil // lies on somebody else's server
	}
	size, err := l.Size()
	if err != nil {
		return fmt.Errorf("layer for %s: %w", to, err)
	}
	d := registry.Descriptor{Digest: digest.String(), Size: size}
	has, err := c.HasBlob(ctx, to.Host, to.Repository, d)
	if err != nil || has {
		return err
	}
	retry := change.DefaultRetry
	for try := 1; ; try++ {
		err := upload(ctx, c, to, d, l.Compressed)
		if err == nil || !fault.Is(err, fault.Unavailable) || try >= retry.Tries || !change.Sleep(ctx, retry.Pause(try)) {
			return err
		}
	}
}

func upload(
	ctx context.Context, c Target, to registry.Image, d registry.Descriptor, open func() (io.ReadCloser, error),
) error {
	body, err := open()
	if err != nil {
		return fmt.Errorf("layer for %s: %w", to, err)
	}
	defer body.Close()
	return c.Upload(ctx, to.Host, to.Repository, d, body)
}
