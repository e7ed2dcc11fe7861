package imageserve

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Checked is what was found of one tag.
type Checked struct {
	Repository, Tag, Digest string
	Blobs                   int
	Bytes                   int64
	Err                     error // what is missing or corrupt
}

// Check looks at every tag: its manifests, and that each of their blobs has its size; with deep, also
// their digests.
func (f *Folder) Check(ctx context.Context, deep bool) (all []*Checked, err error) {
	repositories, err := f.Repositories()
	if err != nil {
		return nil, err
	}
	for _, repository := range repositories {
		tags, err := f.Tags(repository)
		if err != nil {
			return nil, err
		}
		for _, tag := range tags {
			if err := ctx.Err(); err != nil {
				return nil, context.Cause(ctx)
			}
			c := &Checked{Repository: repository, Tag: tag}
			digests, err := f.Named(repository, tag)
			if c.Err = err; err == nil {
				c.Digest = digests[0]
				c.Err = f.check(ctx, c, digests, deep)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func (f *Folder) check(ctx context.Context, c *Checked, digests []string, deep bool) error {
	var broken []error
	blobs := map[string]bool{}
	err := f.walk(ctx, c.Repository, digests, isList(c.Tag), func(m *registry.Manifest) {
		for _, d := range m.Refers() {
			if m.IsIndex() || d.Foreign() || blobs[d.Digest] {
				continue
			}
			blobs[d.Digest] = true
			c.Blobs++
			c.Bytes += d.Size
			broken = append(broken, f.checkBlob(ctx, c.Repository, d, deep))
		}
	})
	if err := errors.Join(append(broken, err)...); err != nil {
		return fault.Wrap(fault.Drift, "", err)
	}
	return nil
}

func (f *Folder) checkBlob(ctx context.Context, repository string, d registry.Descriptor, deep bool) error {
	file, err := f.Blob(repository, d.Digest)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != d.Size {
		return fault.New(fault.Drift, "", "blob %s has %d of its %d bytes", d.Digest, info.Size(), d.Size)
	}
	if !deep {
		return nil
	}
	if has, err := (Images{f}).HasBlob(ctx, "", repository, d); err != nil || !has {
		return errors.Join(err, fault.New(fault.Drift, "", "blob %s is corrupt", d.Digest))
	}
	return nil
}
