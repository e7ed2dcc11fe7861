package share

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

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

// PlanRemove plans to end shares. It leaves out images that can't be read, unless there is only one; Apply
// reports them. Projects that no longer exist are removed like any other.
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
	if _, err := open(ctx, clouds, append([]string{o.From}, o.To...)); err != nil {
		return nil, err
	}
	site, err := clouds(ctx, o.From)
	if err != nil {
		return nil, err
	}
	images, err := o.images(ctx, site)
	if err != nil {
		return nil, err
	}
	losers, err := o.losers(ctx, site, clouds)
	if err != nil {
		return nil, err
	}
	p := &Plan{parallel: cmp.Or(o.Parallel, defaultParallel)}
	changes, errs := make([]*Change, len(images)), make([]error, len(images))
	var group errgroup.Group
	group.SetLimit(requests)
	for n, img := range images {
		group.Go(func() error {
			changes[n], errs[n] = planRemoval(ctx, site, img, losers)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), errors.Join(errs...))
	}
	for n, img := range images {
		if errs[n] != nil { // one image must not prevent the others' shares from ending
			p.Failed = append(p.Failed, Failure{State: Unplanned, ImageID: img.ID, Image: img.Name, Err: errs[n]})
			continue
		}
		p.Changes = append(p.Changes, changes[n])
	}
	if len(p.Changes) == 0 && len(p.Failed) > 0 {
		return nil, p.failures()
	}
	return p, nil
}

func (o RemoveOptions) images(ctx context.Context, site *Tenancy) ([]*glance.Image, error) {
	if !o.Expired || !o.empty() {
		return o.resolve(ctx, site)
	}
	all, err := site.Images.Images(ctx, glance.Query{Owner: site.Project.ID, Visibility: glance.Shared, BothHidden: true})
	return slices.DeleteFunc(all, func(i *glance.Image) bool { return !hasProperty(i, ExpiresKey) }), err
}

// losers are the projects that are named, and nil for those whose time is over.
func (o RemoveOptions) losers(ctx context.Context, site *Tenancy, clouds Clouds) ([]Target, error) {
	if o.Expired {
		return nil, nil
	}
	var all []Target
	sites, err := open(ctx, clouds, o.To)
	if err != nil {
		return nil, err
	}
	for _, to := range sites {
		t, err := cloudTarget(site, to, false)
		if err != nil {
			return nil, fault.Wrap(fault.Usage, "to remove the copy, delete it in that cloud", err)
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
	return once(all), nil
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
