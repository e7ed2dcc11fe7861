package promote

import (
	"context"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// findPredecessors also finds out how the name is kept, which says what a predecessor is.
func (p *Plan) findPredecessors(ctx context.Context, site Site, all *images) (err error) {
	if p.Options.Strategy, err = all.choose(p.asked.Strategy); err != nil {
		return err
	}
	p.archived = all.archived
	var old []*glance.Image
	for _, img := range all.current(p.Options.Strategy) {
		p.last = max(p.last, generation(img))
		switch {
		case img.ID == p.Image.ID:
		case img.Status != glance.StatusActive && img.Status != glance.StatusDeactivated:
		case p.isFresh(img):
			p.Fresh = append(p.Fresh, img)
		default:
			old = append(old, img)
		}
	}
	glance.NewestFirst(old)
	if len(old) == 0 && p.Options.Strategy == Rename && p.Image.Properties[PromotedKey] == "" {
		if err := p.refuseForeign(ctx, site); err != nil {
			return err
		}
	}
	names, err := p.archiveNames(old)
	if err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	for n, img := range old {
		p.Predecessors = append(p.Predecessors, Predecessor{Image: img, Archive: names[n]})
	}
	p.last = max(p.last, generation(p.Image))
	return nil
}

// isFresh tells an image that is waiting for its own promotion, such as that of a build running
// beside this one, from a predecessor: it never was current and is newer than the new image. The
// service counts whole seconds; of the same second only a build's image is taken for fresh.
func (p *Plan) isFresh(img *glance.Image) bool {
	if img.Properties[PromotedKey] != "" || img.Properties[CurrentKey] == p.Name {
		return false
	}
	_, built := img.Properties[cloud.RunKey]
	return img.CreatedAt.After(p.Image.CreatedAt) || built && img.CreatedAt.Equal(p.Image.CreatedAt)
}

func generation(img *glance.Image) int {
	n, _ := strconv.Atoi(img.Properties[GenerationKey]) // without one the chain is followed from its beginning
	return n
}

// refuseForeign protects people who find another project's image under the name: a second one
// beside it would make the name ambiguous for them.
func (p *Plan) refuseForeign(ctx context.Context, site Site) error {
	q := glance.Query{Name: p.Name}
	if site.Admin {
		q.Visibility = glance.Public // an admin sees all projects' images; only these are in anybody's way
	}
	found, err := site.Images.Images(ctx, q)
	if err != nil {
		return err
	}
	for _, img := range found {
		if img.Owner != p.Owner {
			return fault.New(fault.Conflict, "choose another name, or use the credentials of that project",
				"%s: image %s belongs to project %s", fault.Option("image_name"), img, img.Owner)
		}
	}
	return nil
}
