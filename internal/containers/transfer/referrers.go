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
				return fault.Wrap(fault.KindOf(err), fault.Advise("leave it out with %s", fault.Set("referrers", string(NoReferrers))),
					fmt.Errorf("what is attached to %s: %w", m.Digest, err))
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

// tagList are a repository's tags, as far as they are known.
type tagList struct {
	s    Store
	at   registry.Image
	some []string
	all  bool
}

// has reports whether there is such a tag.
func (l *tagList) has(ctx context.Context, tag string) (bool, error) {
	if l.all || slices.Contains(l.some, tag) {
		return slices.Contains(l.some, tag), nil
	}
	_, found, err := l.s.Head(ctx, l.at.With(tag))
	if fault.Is(err, fault.Forbidden) {
		return false, nil // so some registries say that there is none
	}
	return found, err
}

// tags are the tags of the image's repository, asked for once in a run. Most repositories tell all at
// once, which spares asking for each tag.
func (p *Plan) tags(ctx context.Context, i registry.Image) (*tagList, error) {
	list := &tagList{s: p.stores.at(i.Host), at: i}
	err := p.lists.do(place{i.Host, i.Repository}, func() (err error) {
		some, all, err := list.s.SomeTags(ctx, i.Host, i.Repository)
		if fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
			return err
		}
		if err == nil { // who may not list may still ask
			p.known.Store(place{i.Host, i.Repository}, tagList{some: some, all: all})
		}
		return nil
	})
	if known, ok := p.known.Load(place{i.Host, i.Repository}); ok {
		had := known.(tagList) //nolint:forcetypeassert // nothing else is stored
		list.some, list.all = had.some, had.all
	}
	return list, err
}

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
