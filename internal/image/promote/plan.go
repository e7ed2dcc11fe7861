package promote

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Plan is what a promotion will change. Making a plan only sends reads.
type Plan struct {
	Options      Options
	Image        *glance.Image   // the image that becomes current
	Name         string          // under this name
	Owner        string          // project id, the image's
	Predecessors []Predecessor   // images that are archived, newest first
	Fresh        []*glance.Image // newer images of the name that never were current; left alone
	Members      []Member        // projects that the new image is shared with
	Visibility   string          // the new image's at the end
	Properties   map[string]string
	Prune        []*glance.Image // archived images that are deleted
	Unfinished   []*glance.Image // whose promotion under this name a dead run left

	asked    Options           // as the caller gave them; how the name is kept is read again under the claim
	archived []*glance.Image   // before this promotion
	answers  map[string]string // status by project on the predecessors
	last     int               // the highest claim known to be taken
	at       time.Time         // of archiving
}

// Predecessor is an image that gets archived.
type Predecessor struct {
	Image   *glance.Image
	Archive string // the name it gets
	Members []glance.Member
}

// Member is a project that keeps its access to the name.
type Member struct {
	ProjectID string
	Status    string // that it is going to have on the new image
	Now       string // that it has on the new image, "" if it isn't a member yet
}

// NewPlan finds out what a promotion has to change.
func NewPlan(ctx context.Context, site Site, o Options) (*Plan, error) {
	if o.ImageID == "" {
		return nil, fault.Bad("image_id", "name the image to promote", "it is empty")
	}
	asked := o
	o = o.withDefaults()
	img, err := site.Images.Image(ctx, o.ImageID)
	if err != nil {
		return nil, fault.In("image_id", err)
	}
	p := &Plan{Options: o, asked: asked, Image: img, Name: o.Name, Owner: img.Owner, at: time.Now().UTC().Truncate(time.Second)}
	if p.Name == "" {
		p.Name = ownName(img)
	}
	if err := p.admissible(site); err != nil {
		return nil, err
	}
	all, err := imagesOf(ctx, site, p.Owner, p.Name)
	if err != nil {
		return nil, err
	}
	if err := p.findUnfinished(all); err != nil {
		return nil, err
	}
	if err := p.findPredecessors(ctx, site, all); err != nil {
		return nil, err
	}
	p.chooseVisibility()
	if err := p.findMembers(ctx, site); err != nil {
		return nil, err
	}
	p.findPrune()
	p.copyProperties()
	return p, nil
}

// ownName is the name that an image is promoted under by default: the one it is, or was, current
// under.
func ownName(img *glance.Image) string {
	return cmp.Or(img.Properties[ArchivedFromKey], img.Properties[CurrentKey], img.Name)
}

func (p *Plan) admissible(site Site) error {
	switch img, owner := p.Image, p.Options.Owner; {
	case owner != "" && img.Owner != owner:
		return fault.New(fault.NotFound, "check the id, and whose project it is in",
			"image %s belongs to project %s, not to %s", img, img.Owner, owner)
	case p.Name == "":
		return fault.New(fault.Usage, fault.Advise("set %s", fault.Option("image_name")),
			"image %s has no name to promote it under", img.ID)
	case img.Status == glance.StatusDeactivated && p.Options.Reactivate:
	case img.Status != glance.StatusActive:
		return fault.New(fault.Conflict, "promote it when it is active", "image %s has status %q", img, img.Status)
	case img.Owner != site.Project && !site.Admin:
		return fault.New(fault.Forbidden, "use credentials of that project",
			"image %s belongs to project %s, the credentials to project %s", img, img.Owner, site.Project)
	}
	return nil
}

// findUnfinished looks for what dead runs left under this name.
func (p *Plan) findUnfinished(all *images) error {
	p.Unfinished = all.marked
	j, err := journalOf(p.Image)
	switch {
	case err != nil:
		return err
	case j != nil && j.Name != p.Name:
		return fault.New(fault.Conflict, "finish that promotion first: promote the image under that name",
			"image %s is being promoted to the name %q", p.Image, j.Name)
	}
	return nil
}

// Done reports whether there is nothing left to change.
func (p *Plan) Done() bool {
	i := p.Image
	current := i.Name == p.Name
	if p.Options.Strategy == Pointer {
		current = i.Properties[CurrentKey] == p.Name
	}
	return current && i.Status == glance.StatusActive && !i.Hidden && i.Visibility == p.Visibility && i.Properties[PromotedKey] != "" &&
		len(p.Predecessors) == 0 && len(p.Unfinished) == 0 && len(p.Properties) == 0 && len(p.Prune) == 0 &&
		!slices.ContainsFunc(p.Members, func(m Member) bool { return m.Now != m.Status })
}
