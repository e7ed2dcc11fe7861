package share

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// RemoveOptions say which projects lose their access to which images.
type RemoveOptions struct {
	Selection          // may be empty with Expired: all images of the project
	From      string   // cloud of the images; "" is the default one
	To        []string // clouds of the projects
	Projects  []string // projects by id, or by name if the credentials may query Keystone
	Expired   bool     // those whose time is over, in place of To and Projects
	Parallel  int      // images at a time; default 4
}

// PlanRemove plans to end shares. It leaves out images that aren't there or can't be read and clouds that can't be
// reached, unless that is all; Apply reports them. Projects that no longer exist are removed like any other.
func PlanRemove(ctx context.Context, clouds Clouds, o RemoveOptions) (*Plan, error) {
	if err := errors.Join(o.blank(), noneBlank("to", o.To), noneBlank("to_project", o.Projects)); err != nil {
		return nil, err
	}
	named := len(o.To)+len(o.Projects) > 0
	switch {
	case named && o.Expired:
		return nil, fault.New(fault.Usage, "use one of them", "either the named projects can be removed, or the expired ones")
	case !named && !o.Expired:
		return nil, fault.New(fault.Usage, "name clouds or projects", "no project is named to remove")
	}
	clouds = Cached(clouds)
	warm(ctx, clouds, append([]string{o.From}, o.To...))
	site, err := clouds(ctx, o.From)
	if err != nil {
		return nil, err
	}
	images, failed, err := o.images(ctx, site)
	if err != nil {
		return nil, err
	}
	losers, unreached, err := o.losers(ctx, site, clouds)
	if err != nil {
		return nil, err
	}
	p := &Plan{parallel: cmp.Or(o.Parallel, defaultParallel), Failed: append(failed, unreached...)}
	if named && len(losers) == 0 { // none of the clouds can be reached
		return nil, p.failures()
	}
	if err := p.each(ctx, images, func(ctx context.Context, img *glance.Image) (*Change, error) {
		return planRemoval(ctx, site, img, losers)
	}); err != nil {
		return nil, err
	}
	return p.unlessAllFailed()
}

func (o RemoveOptions) images(ctx context.Context, site *Tenancy) ([]*glance.Image, []Failure, error) {
	if !o.Expired || !o.empty() {
		return o.resolvePartly(ctx, site)
	}
	all, err := site.Images.Images(ctx, glance.Query{Owner: site.Project.ID, Visibility: glance.Shared, BothHidden: true})
	return slices.DeleteFunc(all, func(i *glance.Image) bool { return !hasProperty(i, ExpiresKey) }), nil, err
}

// losers are the projects that are named, and nil for those whose time is over. Clouds that can't be reached are
// left out and told.
func (o RemoveOptions) losers(ctx context.Context, site *Tenancy, clouds Clouds) ([]Target, []Failure, error) {
	if o.Expired {
		return nil, nil, nil
	}
	var all []Target
	sites, failed, err := reachable(ctx, clouds, o.To)
	if err != nil {
		return nil, nil, err
	}
	for _, to := range sites {
		t, err := cloudTarget(site, to, false)
		if err != nil {
			return nil, nil, fault.Wrap(fault.Usage, "to remove the copy, delete it in that cloud", err)
		}
		all = append(all, t)
	}
	for _, id := range o.Projects {
		t := Target{Project: id}
		if !looksLikeID.MatchString(id) {
			// A name, or an id of another form, which only the list of members contains.
			if p, err := site.find(ctx, id, false); err == nil {
				t.Project, t.Name = p.ID, p.Name
			}
		}
		all = append(all, t)
	}
	return once(all), failed, nil
}

func planRemoval(ctx context.Context, site *Tenancy, img *glance.Image, losers []Target) (*Change, error) {
	c := newChange(site, img)
	var err error
	if c.expires, err = expiriesOf(img); err != nil {
		return nil, err
	}
	if img.Visibility != glance.Shared {
		if img.Visibility == glance.Private && losers != nil {
			return nil, fault.New(fault.Conflict, fault.Advise("only the owner has access while it is private; to change its members, "+
				"resume it with %s", fault.Do("share", "resume", img.ID)),
				"image %s is private, so its members can't be changed", img)
		}
		return c, nil
	}
	now, err := site.Images.Statuses(ctx, img.ID)
	if err != nil {
		return nil, err
	}
	if losers == nil {
		for _, id := range c.expires.expired(time.Now()) {
			losers = append(losers, Target{Project: id, Name: site.nameOf(ctx, id)})
		}
	}
	for _, t := range losers {
		c.lose(t, now)
	}
	return c, nil
}

// lose plans the end of one project's access.
func (c *Change) lose(t Target, now map[string]string) {
	c.Members = append(c.Members, Member{
		Project: t.Project, Name: t.Name, Cloud: t.cloud(), Before: cmp.Or(now[t.Project], None), After: None,
		Expires: c.expires[t.Project],
	})
	c.expire(t.Project, time.Time{})
}
