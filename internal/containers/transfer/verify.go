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
	// Attached are signatures and all else that the registry lists as attached; their blobs count, too.
	Attached int
	Err      error // what is missing or corrupt
}

// Verify looks at every manifest and blob of the images, and of what is attached to them unless that is
// left out. With deep, every byte is read and its digest is checked.
func Verify(ctx context.Context, s Stores, images []reference.Reference, deep bool, o Options) []*Checked {
	o = o.filled()
	all := make([]*Checked, len(images))
	for n, image := range images {
		all[n] = &Checked{Image: image}
	}
	p := &Plan{stores: s, o: o}
	each(all, o.Blobs, func(one *Checked) { one.Err = one.verify(ctx, p, deep) })
	return all
}

func (v *Checked) verify(ctx context.Context, p *Plan, deep bool) error {
	image := p.stores.Image(v.Image, "")
	c := p.stores.at(image.Host)
	d, found, err := c.Head(ctx, image)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, "", "image %s: not found", v.Image)
	}
	v.Digest = d.Digest
	// Gathering fetches the manifests, and so checks them.
	all := &Image{Job: Job{Source: v.Image, MultiArch: true}, source: image}
	if err := p.gather(ctx, all, image.With(d.Digest), 0); err != nil {
		return err
	}
	var missing []error
	if p.o.Referrers != NoReferrers {
		if err := p.follow(ctx, all); err != nil {
			missing = append(missing, err)
		}
		v.Attached = all.Attached
	}
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
