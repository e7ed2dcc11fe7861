package share

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// StatusOptions say which status a project gives to images that others share with it.
type StatusOptions struct {
	Selection
	To       []string // clouds of the projects; "" is the default one
	Status   string   // Glance's accepted, rejected or pending
	Parallel int      // images at a time; default 4
}

// PlanStatus plans to accept, reject or reset images as the projects that they are shared with. It leaves out
// what fails, unless that is all; Apply reports it.
func PlanStatus(ctx context.Context, clouds Clouds, o StatusOptions) (*Plan, error) {
	if !slices.Contains([]string{glance.Accepted, glance.Rejected, glance.Pending}, o.Status) {
		return nil, fault.New(fault.Usage, "use accepted, rejected or pending", "the status %q is unknown", o.Status)
	}
	sites, failed, err := reachable(ctx, clouds, o.To)
	if err != nil {
		return nil, err
	}
	p := &Plan{parallel: cmp.Or(o.Parallel, defaultParallel), Failed: failed}
	for _, site := range sites {
		if err := o.planFor(ctx, p, site); err != nil {
			return nil, err
		}
	}
	return p.unlessAllFailed()
}

// planFor plans for one project. An image that fails is left out, and Apply reports it.
func (o StatusOptions) planFor(ctx context.Context, p *Plan, site *Tenancy) error {
	images, failed, err := o.partly(ctx,
		func(ctx context.Context, one string) ([]*glance.Image, error) { return o.offered(ctx, site, one) },
		fmt.Sprintf("is shared with project %q (%s) on %s", site.Project.Name, site.Project.ID, site))
	if err != nil {
		return err
	}
	for _, f := range failed {
		f.Cloud, f.ProjectID, f.Project = site.Cloud, site.Project.ID, site.Project.Name
		p.Failed = append(p.Failed, f)
	}
	return p.each(ctx, images, func(ctx context.Context, img *glance.Image) (*Change, error) {
		m, err := site.Images.Member(ctx, img.ID, site.Project.ID)
		if err != nil {
			return nil, err
		}
		note := ""
		if o.Status != glance.Accepted {
			note = "the project can still use the image by its id"
		}
		return &Change{Image: img, site: site, Members: []Member{{
			Project: site.Project.ID, Name: site.Project.Name, Cloud: site.Cloud,
			Before: m.Status, After: o.Status, Note: note, acceptor: site.Images,
		}}}, nil
	})
}

// offered are the images that other projects share with the site's, in whatever state, and match.
func (s Selection) offered(ctx context.Context, site *Tenancy, one string) ([]*glance.Image, error) {
	if glance.IsID(one) {
		img, err := site.Images.Image(ctx, one)
		switch {
		case err == nil && img.Owner == site.Project.ID:
			return nil, fault.New(fault.Usage, "use the credentials of a project that it is shared with",
				"image %s belongs to project %s of %s itself", img, img.Owner, site)
		case err == nil && img.Visibility != glance.Shared:
			return nil, fault.New(fault.Conflict, "only shared images can be accepted", "image %s is %s", img, img.Visibility)
		case err == nil:
			return s.filter([]*glance.Image{img}), nil
		case !fault.Is(err, fault.NotFound):
			return nil, err
		}
	}
	images, err := offers(ctx, site, glance.Query{Name: one, Tags: s.Tags, Properties: s.Properties})
	if err != nil || !site.Admin {
		return s.filter(images), err
	}
	return membersOnly(ctx, site, s.filter(images))
}

// membersOnly leaves the images that have the site's project among their members. Only to an
// administrator the service shows others as well.
func membersOnly(ctx context.Context, site *Tenancy, images []*glance.Image) ([]*glance.Image, error) {
	var own []*glance.Image
	for _, img := range images {
		switch _, err := site.Images.Member(ctx, img.ID, site.Project.ID); {
		case err == nil:
			own = append(own, img)
		case !fault.Is(err, fault.NotFound):
			return nil, err
		}
	}
	return own, nil
}

// offers lists the images that other projects share with the site's; to an administrator the
// service lists what is shared with anybody.
func offers(ctx context.Context, site *Tenancy, q glance.Query) ([]*glance.Image, error) {
	q.Visibility, q.MemberStatus, q.BothHidden = glance.Shared, "all", true
	images, err := site.Images.Images(ctx, q)
	return slices.DeleteFunc(images, func(i *glance.Image) bool { return i.Owner == site.Project.ID }), err
}
