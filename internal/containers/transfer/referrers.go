package transfer

import (
	"context"
	"fmt"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// suffixes of the tags by which cosign finds signatures, attestations and SBOMs.
var suffixes = []string{".sig", ".att", ".sbom"}

// attached gathers what is attached to the image's manifests, and to that, before the image's own
// manifest: a target that has the image's tag has all of it.
func (p *Plan) attached(ctx context.Context, i *Image) error {
	if p.o.Referrers == NoReferrers {
		return nil
	}
	if err := p.follow(ctx, i); err != nil {
		return fault.Wrap(fault.KindOf(err), fault.Advise("leave it out with %s", fault.Set("referrers", string(NoReferrers))), err)
	}
	return nil
}

func (p *Plan) follow(ctx context.Context, i *Image) error {
	last := len(i.manifests) - 1
	own := i.manifests[last]
	i.manifests = i.manifests[:last]
	look := append(slices.Clone(i.manifests), own)
	for depth := 0; len(look) > 0; depth++ {
		if depth > maxDepth {
			return fault.New(fault.Usage, "", "image %s: what is attached to it has more attached, deeper than %d", i.Source, maxDepth)
		}
		var found []stored
		for _, m := range look {
			more, err := p.attachedTo(ctx, i, m.Digest)
			if err != nil {
				return fmt.Errorf("what is attached to %s: %w", m.Digest, err)
			}
			found = append(found, more...)
		}
		i.Attached += len(found)
		look = found
	}
	i.manifests = append(i.manifests, own)
	return nil
}

// attachedTo gathers what is attached to one manifest.
func (p *Plan) attachedTo(ctx context.Context, i *Image, digest string) (found []stored, err error) {
	from := i.from()
	tags, err := p.tags(ctx, from)
	if err != nil {
		return nil, err
	}
	gather := func(identifier string, how stored) error {
		known := slices.ContainsFunc(i.manifests, func(had stored) bool {
			return had.Digest == identifier || how.tag != "" && had.tag == how.tag
		})
		if known {
			return nil
		}
		if err := p.gather(ctx, i, from.With(identifier), 0); err != nil {
			return err
		}
		m := &i.manifests[len(i.manifests)-1]
		m.tag, m.attached = how.tag, how.attached
		found = append(found, *m)
		return nil
	}
	for _, suffix := range suffixes {
		tag := registry.ReferrersTag(digest) + suffix
		if has, err := tags.has(ctx, tag); err != nil {
			return nil, err
		} else if has {
			if err := gather(tag, stored{tag: tag}); err != nil {
				return nil, err
			}
		}
	}
	list, err := p.referrers(ctx, from.With(digest), tags)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		if err := gather(d.Digest, stored{attached: true}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// referrers are the manifests that have the image's as their subject.
func (p *Plan) referrers(ctx context.Context, i registry.Image, tags *tagList) ([]registry.Descriptor, error) {
	s := p.stores.at(i.Host)
	list, known, err := s.Referrers(ctx, i)
	if err != nil || known {
		return list, err
	}
	tag := registry.ReferrersTag(i.Identifier)
	if has, err := tags.has(ctx, tag); err != nil || !has {
		return nil, err
	}
	index, err := s.Manifest(ctx, i.With(tag))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return index.Manifests, nil
}
