package imageserve

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// Referrers aren't kept by the folder: a tag has them.
func (Images) Referrers(context.Context, registry.Image) ([]registry.Descriptor, bool, error) {
	return nil, false, nil
}

// Attach stores a manifest and lists it in the tag that has what is attached to its subject.
func (f Images) Attach(ctx context.Context, i registry.Image, m *registry.Manifest) error {
	if err := f.PutManifest(ctx, i.With(m.Digest), m); err != nil {
		return err
	}
	index := i.With(registry.ReferrersTag(m.Subject.Digest))
	now, err := f.Manifest(ctx, index)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	next, err := registry.AddReferrer(now, m)
	if err != nil || next == nil {
		return err
	}
	return f.PutManifest(ctx, index, next)
}
