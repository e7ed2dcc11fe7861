package share

import (
	"cmp"
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// FileOptions say how a file is compared with the clouds.
type FileOptions struct {
	Prune    bool   // projects that the file doesn't name lose their access; so do those whose time is over
	From     string // cloud of shares that name none; "" is the default one
	Parallel int    // images at a time; default 4

	// Patience is for how long a project may leave a share pending before it counts as drift.
	// Default is a day.
	Patience time.Duration
}

// desired is one image and all that the file wants of it.
type desired struct {
	image  *glance.Image
	site   *Site
	to     []Target
	ends   expiries // by project id
	over   expiries // those of them whose time is over
	copies []Target
}

// desire finds out which images and projects the file means. An image that isn't there, or can't be
// told from others, is handed to missing, which may make it an error.
func (f *File) desire(ctx context.Context, clouds Clouds, o FileOptions, missing func(Wanted, Selection, error) error) ([]*desired, error) {
	if _, err := open(ctx, clouds, f.clouds(o.From)); err != nil {
		return nil, err
	}
	sources := make([]source, len(f.Shares))
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for n, w := range f.Shares {
		group.Go(func() (err error) {
			sources[n], err = w.find(work, clouds, cmp.Or(w.From, o.From))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []*desired
	byImage := map[string]*desired{}
	for n, w := range f.Shares {
		found := sources[n]
		for k, s := range w.Images {
			if err := found.errs[k]; err != nil {
				if err := missing(w, s, err); err != nil {
					return nil, err
				}
			}
			for _, img := range found.images[k] {
				key := found.site.service + " " + img.ID
				if byImage[key] == nil {
					byImage[key] = &desired{image: img, site: found.site, ends: expiries{}, over: expiries{}}
					all = append(all, byImage[key])
				}
				byImage[key].want(found.to, found.ends, time.Now())
			}
		}
	}
	return all, nil
}

// source is what one share of the file stands for.
type source struct {
	site   *Site
	to     []Target
	ends   expiries
	images [][]*glance.Image // by the share's selections
	errs   []error           // of those that no image fits, or several
}

// find asks for the images and projects of a share.
func (w Wanted) find(ctx context.Context, clouds Clouds, from string) (found source, err error) {
	if found.site, err = clouds(ctx, from); err != nil {
		return found, err
	}
	if found.to, found.ends, err = w.recipients(ctx, found.site, clouds); err != nil {
		return found, err
	}
	found.images, found.errs = make([][]*glance.Image, len(w.Images)), make([]error, len(w.Images))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for k, s := range w.Images {
		group.Go(func() error {
			images, err := s.resolve(ctx, found.site)
			if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Ambiguous) {
				found.errs[k] = err
				return nil
			}
			found.images[k] = images
			return err
		})
	}
	return found, group.Wait()
}

// clouds are the names of all clouds that the file is about.
func (f *File) clouds(from string) []string {
	var names []string
	for _, w := range f.Shares {
		names = append(names, cmp.Or(w.From, from))
		for _, r := range w.To {
			if r.Cloud != "" {
				names = append(names, r.Cloud)
			}
		}
	}
	return names
}

// recipients are the targets of a share and the times, by project id, when theirs are over.
func (w Wanted) recipients(ctx context.Context, site *Site, clouds Clouds) ([]Target, expiries, error) {
	all := make([]Target, len(w.To))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for n, r := range w.To {
		group.Go(func() error {
			var cloud, project []string
			if r.Cloud != "" {
				cloud = []string{r.Cloud}
			} else {
				project = []string{r.Project}
			}
			t, err := targets(ctx, site, clouds, cloud, project, Tuning{Copy: w.Copy})
			if err != nil {
				return atLine(r.Line, err)
			}
			all[n] = t[0]
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	ends := expiries{}
	for n, r := range w.To {
		if !r.Expires.IsZero() {
			ends[all[n].Project] = r.Expires
		}
	}
	return all, ends, nil
}

// want adds projects to those that the image is to be shared with. Whose time is over isn't wanted.
func (d *desired) want(to []Target, ends expiries, now time.Time) {
	for _, t := range to {
		end, ending := ends[t.Project]
		switch {
		case t.foreign:
			d.copies = append(d.copies, t)
			continue
		case ending && !end.After(now):
			d.over[t.Project] = end
			continue
		case ending:
			d.ends[t.Project] = end
		}
		d.to = append(d.to, t)
	}
	d.to, d.copies = once(d.to), once(d.copies)
}

// PlanFile plans to make the clouds what the file says. Without Prune nobody loses access.
func PlanFile(ctx context.Context, clouds Clouds, f *File, o FileOptions) (*Plan, error) {
	all, err := f.desire(ctx, Cached(clouds), o, func(w Wanted, _ Selection, err error) error { return atLine(w.Line, err) })
	if err != nil {
		return nil, err
	}
	p := &Plan{parallel: cmp.Or(o.Parallel, defaultParallel)}
	plans := make([]*Plan, len(all))
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for n, d := range all {
		group.Go(func() (err error) {
			plans[n], err = d.plan(work, o)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, one := range plans {
		p.Changes = append(p.Changes, one.Changes...)
		p.Copies = append(p.Copies, one.Copies...)
		p.Notes = append(p.Notes, one.Notes...)
	}
	return p, nil
}

func (d *desired) plan(ctx context.Context, o FileOptions) (*Plan, error) {
	p := &Plan{}
	if err := p.share(ctx, d.site, []*glance.Image{d.image}, append(d.to, d.copies...), Tuning{}); err != nil {
		return nil, err
	}
	if len(p.Changes) == 0 { // nobody is to have it, or only by copies
		c := newChange(d.site, d.image)
		var err error
		if c.expires, err = expiriesOf(d.image); err != nil {
			return nil, err
		}
		p.Changes = append(p.Changes, c)
	}
	c := p.Changes[0]
	for n := range c.Members {
		m := &c.Members[n]
		if d.image.Visibility != glance.Public {
			m.Expires = d.ends[m.Project]
			c.expire(m.Project, m.Expires)
		}
	}
	return p, d.prune(ctx, p, c, o)
}

// prune takes access away from whom the file doesn't name, or says whom it would be taken from.
func (d *desired) prune(ctx context.Context, p *Plan, c *Change, o FileOptions) error {
	if d.image.Visibility != glance.Shared {
		return nil
	}
	now, err := statuses(ctx, d.site, d.image)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, t := range d.to {
		wanted[t.Project] = true
	}
	for _, id := range sortedKeys(now) {
		switch {
		case wanted[id]:
		case o.Prune:
			c.lose(Target{Project: id, Name: d.site.nameOf(ctx, id)}, now)
		default:
			p.note("image %s is shared with project %s, which the file doesn't want; %s removes it", d.image, id, fault.Set("prune", true))
		}
	}
	return nil
}

func atLine(line int, err error) error {
	return fault.Wrap(fault.KindOf(err), "", lineError{line, err})
}
