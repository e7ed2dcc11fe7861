package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Checked is what was found of one image.
type Checked struct {
	Image  reference.Reference
	Digest string
	Blobs  int
	Bytes  int64
	Err    error // what is missing or corrupt
}

// Verify looks at every manifest and blob of the images. With deep, every byte is read and its
// digest is checked.
func Verify(ctx context.Context, s Stores, images []reference.Reference, deep bool, o Options) []*Checked {
	o = o.filled()
	all := make([]*Checked, len(images))
	for n, image := range images {
		all[n] = &Checked{Image: image}
	}
	each(all, o.Blobs, func(one *Checked) { one.Err = one.verify(ctx, s, deep) })
	return all
}

func (v *Checked) verify(ctx context.Context, s Stores, deep bool) error {
	image := s.image(v.Image, "")
	c := s.at(image.Host)
	d, found, err := c.Head(ctx, image)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, "", "image %s: not found", v.Image)
	}
	v.Digest = d.Digest
	// Gathering fetches the manifests, and so checks them.
	all := &Image{Job: Job{Source: v.Image, MultiArch: true}}
	if err := (&Plan{stores: s}).gather(ctx, all, image.With(d.Digest), 0); err != nil {
		return err
	}
	var missing []error
	for _, b := range all.blobs {
		v.Blobs++
		v.Bytes += b.Size
		if err := checkBlob(ctx, c, image, b, deep); err != nil {
			missing = append(missing, err)
		}
	}
	return errors.Join(missing...)
}

func checkBlob(ctx context.Context, c Store, image registry.Image, b registry.Descriptor, deep bool) error {
	if !deep {
		has, err := c.HasBlob(ctx, image.Host, image.Repository, b)
		if err == nil && !has {
			err = fault.New(fault.NotFound, "", "blob %s of %d bytes is missing", b.Digest, b.Size)
		}
		return err
	}
	body, err := c.Blob(ctx, image.Host, image.Repository, b)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	return nil
}
