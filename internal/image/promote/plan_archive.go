package promote

import (
	"context"
	"maps"
	"path"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

func (p *Plan) findPrune() {
	if p.Options.Retain == nil {
		return
	}
	archived := slices.Clone(p.archived)
	for _, old := range p.Predecessors {
		archived = append(archived, old.Image)
	}
	p.Prune = beyond(*p.Options.Retain, archived, p.Image.ID)
}

func archivedImages(ctx context.Context, site Site, owner, name string) ([]*glance.Image, error) {
	return site.Images.Images(ctx, glance.Query{
		Owner: owner, BothHidden: true, Properties: map[string]string{ArchivedFromKey: name},
	})
}

// beyond are the archived images that the archive of the given length has no room for, oldest last.
func beyond(retain int, archived []*glance.Image, current string) []*glance.Image {
	archived = slices.DeleteFunc(slices.Clone(archived), func(i *glance.Image) bool { return i.ID == current })
	glance.NewestFirst(archived)
	return archived[min(retain, len(archived)):]
}

// copyProperties picks the predecessor's properties that the patterns name and that are
// neither ours nor the service's nor on the new image already. When the shares end goes with the
// members.
func (p *Plan) copyProperties() {
	p.Properties = map[string]string{}
	for k, v := range p.Options.Properties {
		if now, has := p.Image.Properties[k]; !has || now != v {
			p.Properties[k] = v
		}
	}
	if len(p.Predecessors) == 0 {
		return
	}
	for k, v := range p.Predecessors[0].Image.Properties {
		_, has := p.Image.Properties[k]
		_, given := p.Options.Properties[k]
		if !has && !given && glance.Copyable(k) && slices.ContainsFunc(p.Options.CopyProperties, func(pattern string) bool {
			ok, _ := path.Match(pattern, k)
			return ok
		}) {
			p.Properties[k] = v
		}
	}
	p.copyShareEnds()
}

// copyShareEnds lets the shares of those who become members end when they end on the predecessors.
func (p *Plan) copyShareEnds() {
	for _, m := range p.Members {
		if m.Now != "" {
			continue
		}
		var ends []map[string]string
		for _, old := range p.Predecessors {
			of, ok := shareEnds(old.Image)
			switch {
			case !slices.ContainsFunc(old.Members, func(o glance.Member) bool { return o.ProjectID == m.ProjectID }):
			case ok:
				ends = append(ends, of)
			case p.Image.Properties[glance.ShareEndsKey] == "": // what can't be read goes along as it is
				p.Properties[glance.ShareEndsKey] = old.Image.Properties[glance.ShareEndsKey]
				return
			}
		}
		with := &glance.Image{Properties: maps.Clone(p.Image.Properties)}
		maps.Copy(with.Properties, p.Properties)
		if text, changed := endsWith(with, m.ProjectID, ends); changed {
			p.Properties[glance.ShareEndsKey] = text
		}
	}
}
