package transfer

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

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
