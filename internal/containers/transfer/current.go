package transfer

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// leaveOutCurrent drops what the target has of an image that is up to date.
func (p *Plan) leaveOutCurrent(ctx context.Context, i *Image) error {
	to := i.to()
	last := len(i.manifests) - 1
	var missing []stored
	for _, m := range i.manifests[:last] {
		if m.tag == "" && !m.attached {
			continue // the index's own
		}
		identifier := m.Digest
		if m.tag != "" {
			identifier = m.tag
		}
		now, found, err := p.stores.at(to.Host).Head(ctx, to.With(identifier))
		if err != nil {
			return err
		}
		if !found || now.Digest != m.Digest {
			missing = append(missing, m)
		}
	}
	i.Attached = len(missing)
	if len(missing) == 0 {
		i.State, i.manifests, i.blobs = Current, nil, nil
		return nil
	}
	i.manifests = slices.Concat(missing, i.manifests[last:])
	var needed []registry.Descriptor
	for _, b := range i.blobs {
		if slices.ContainsFunc(missing, func(m stored) bool {
			return slices.ContainsFunc(m.Refers(), func(d registry.Descriptor) bool { return d.Digest == b.Digest })
		}) {
			needed = append(needed, b)
		}
	}
	i.blobs = needed
	return nil
}
