package transfer

import (
	"context"
	"fmt"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// head is what a store says of an image.
type head struct {
	registry.Descriptor
	found bool
	err   error
}

// resolve finds what the target has to become, and whether it is that already.
func (p *Plan) resolve(ctx context.Context, i *Image) error {
	source, target := i.from(), i.to()
	// Both are asked at the same time: this is all that a run with nothing to do waits for.
	there := make(chan head, 1)
	go func() {
		d, found, err := p.stores.at(target.Host).Head(ctx, target)
		there <- head{d, found, err}
	}()
	d, found, err := p.stores.at(source.Host).Head(ctx, source)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, "", "image %s: not found", i.Source)
	}
	var index *registry.Manifest
	if d.IsIndex() && !i.MultiArch {
		if index, err = p.stores.at(source.Host).Manifest(ctx, source.With(d.Digest)); err != nil {
			return err
		}
		if d, err = index.Preferred(); err != nil {
			return fmt.Errorf("image %s: %w", i.Source, err)
		}
	}
	i.Digest = d.Digest
	now := <-there
	if now.err != nil {
		return now.err
	}
	current := now.found && now.Digest == d.Digest
	if current && p.o.Referrers != AllReferrers {
		i.State = Current
		return nil
	}
	if err := p.gather(ctx, i, source.With(d.Digest), 0); err != nil {
		return err
	}
	if err := p.attached(ctx, i); err != nil {
		return err
	}
	if current {
		if err := p.leaveOutCurrent(ctx, i); err != nil || i.State == Current {
			return err
		}
	}
	for _, b := range i.blobs {
		i.Bytes += b.Size
	}
	return nil
}

// gather fetches the manifest and all that it lists, what is listed first.
func (p *Plan) gather(ctx context.Context, i *Image, from registry.Image, depth int) error {
	m, err := p.stores.at(from.Host).Manifest(ctx, from)
	switch {
	case err != nil:
		return err
	case depth > maxDepth:
		return fault.New(fault.Usage, "", "image %s: indexes are nested deeper than %d", i.Source, maxDepth)
	case len(i.manifests) >= maxManifests:
		return fault.New(fault.Usage, "", "image %s: more than %d manifests", i.Source, maxManifests)
	}
	if m.IsIndex() {
		for _, child := range m.Manifests {
			if slices.ContainsFunc(i.manifests, func(had stored) bool { return had.Digest == child.Digest }) {
				continue
			}
			if err := p.gather(ctx, i, from.With(child.Digest), depth+1); err != nil {
				return err
			}
		}
	} else {
		for _, d := range m.Refers() {
			known := slices.ContainsFunc(i.blobs, func(b registry.Descriptor) bool { return b.Digest == d.Digest })
			if !known && !d.Foreign() {
				i.blobs = append(i.blobs, d)
			}
		}
	}
	i.manifests = append(i.manifests, stored{Manifest: m})
	return nil
}
