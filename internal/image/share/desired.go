package share

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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

	// AcceptRejected accepts even if the project has rejected the image.
	AcceptRejected bool

	// Patience is for how long a project may leave a share pending before it counts as drift.
	// Default is a day.
	Patience time.Duration
}

// desired is one image and all that the file wants of it.
type desired struct {
	image  *glance.Image
	site   *Tenancy
	to     []Target
	ends   expiries // by project id
	over   expiries // those of them whose time is over
	copies []Target
	said   map[string]recipient // by project id
	blind  bool                 // not all recipients are known: nobody can be told to be too much
}

// recipient is a Recipient and the project that it stands for.
type recipient struct {
	Recipient
	Target
}

// desire finds out which images and projects the file means. What can't be found out is left out and
// told: it doesn't keep the rest from being looked at.
func (f *File) desire(ctx context.Context, clouds Clouds, o FileOptions) ([]*desired, []Failure, error) {
	warm(ctx, clouds, f.clouds(o.From))
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
		return nil, nil, err
	}
	var all []*desired
	var failed []Failure
	byImage := map[string]*desired{}
	blind := false // an image that wasn't found may be any
	for _, found := range sources {
		failed = append(failed, found.failed...)
		blind = blind || found.blind
		for _, img := range found.images {
			key := found.site.service + " " + img.ID
			d := byImage[key]
			if d == nil {
				d = &desired{image: img, site: found.site, ends: expiries{}, over: expiries{}, said: map[string]recipient{}}
				byImage[key] = d
				all = append(all, d)
			}
			d.blind = d.blind || found.unreached
			for _, r := range found.to {
				if err := d.want(r, time.Now()); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	for _, d := range all {
		d.blind = d.blind || blind
	}
	return all, failed, nil
}

// warm opens all clouds at once, for Cached to remember, errors included.
func warm(ctx context.Context, clouds Clouds, names []string) {
	var group errgroup.Group
	group.SetLimit(requests)
	for _, name := range names {
		group.Go(func() error {
			_, _ = clouds(ctx, name) // who asks for this one is told
			return nil
		})
	}
	_ = group.Wait()
}

// source is what one share of the file stands for.
type source struct {
	site      *Tenancy
	to        []recipient
	images    []*glance.Image
	failed    []Failure
	unreached bool // not all recipients are known
	blind     bool // not all images are known
}

// find asks for the images and projects of a share.
func (w Wanted) find(ctx context.Context, clouds Clouds, from string) (found source, err error) {
	if found.site, err = clouds(ctx, from); err != nil {
		if !closed(ctx, err) {
			return found, atLine(w.Line, err)
		}
		found.blind = true
		for _, s := range w.Images {
			found.failed = append(found.failed, Failure{State: Unreachable, Image: s.label(), Cloud: from, Err: atLine(w.Line, err)})
		}
		return found, nil
	}
	if err := w.recipients(ctx, &found, clouds); err != nil {
		return found, err
	}
	images, errs := make([][]*glance.Image, len(w.Images)), make([]error, len(w.Images))
	var group errgroup.Group
	group.SetLimit(requests)
	for k, s := range w.Images {
		group.Go(func() error {
			images[k], errs[k] = s.resolve(ctx, found.site)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	for k, err := range errs {
		switch {
		case err == nil:
			continue
		case !closed(ctx, err):
			return found, atLine(w.Line, err)
		}
		lost := Failure{State: Unplanned, Image: w.Images[k].label(), Err: atLine(w.Line, err)}
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Ambiguous) {
			lost.State = NoImage
		}
		found.blind = found.blind || !fault.Is(err, fault.NotFound)
		found.failed = append(found.failed, lost)
	}
	found.images = slices.Concat(images...)
	return found, nil
}

// closed tells that a cloud can't be reached or signed in to, whatever it answers, from a mistake in how it is named
// or configured.
func closed(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !fault.Is(err, fault.Usage)
}

// mistaken tells a mistake in how a recipient is given from one that is gone or can't be reached.
func (r Recipient) mistaken(ctx context.Context, err error) bool {
	if r.Cloud != "" {
		return !closed(ctx, err)
	}
	return ctx.Err() != nil || !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.NotFound)
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

// recipients finds out the projects of a share. One that doesn't exist any more stays among them, as
// a ghost; a cloud that can't be reached is told.
func (w Wanted) recipients(ctx context.Context, found *source, clouds Clouds) error {
	all, errs := make([]recipient, len(w.To)), make([]error, len(w.To))
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for n, r := range w.To {
		group.Go(func() error {
			all[n].Recipient = r
			all[n].Target, errs[n] = r.find(work, found.site, clouds, w.Copy)
			if errs[n] != nil && r.mistaken(work, errs[n]) {
				return atLine(r.Line, errs[n])
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for n, r := range w.To {
		if errs[n] == nil {
			found.to = append(found.to, all[n])
			continue
		}
		state := Unreachable
		if r.Project != "" && fault.Is(errs[n], fault.NotFound) {
			state = Ghost
		}
		found.unreached = true
		found.failed = append(found.failed, Failure{State: state, Project: r.Project, Cloud: r.Cloud, Err: atLine(r.Line, errs[n])})
	}
	return nil
}

// find is the project that a recipient stands for.
func (r Recipient) find(ctx context.Context, site *Tenancy, clouds Clouds, mayCopy bool) (Target, error) {
	var cloud, project []string
	if r.Cloud != "" {
		cloud = []string{r.Cloud}
	} else {
		project = []string{r.Project}
	}
	t, err := targets(ctx, site, clouds, cloud, project, Tuning{Copy: mayCopy})
	if err == nil {
		return t[0], nil
	}
	if r.Project != "" && looksLikeID.MatchString(r.Project) {
		if p, e := site.project(ctx, r.Project); e == nil && p.ghost() != "" {
			return Target{Project: r.Project, Name: p.Name, ghost: p.ghost()}, nil
		}
	}
	return Target{}, err
}

// want adds a project to those that the image is to be shared with. Whose time is over isn't wanted.
func (d *desired) want(r recipient, now time.Time) error {
	t := r.Target
	if t.foreign {
		d.copies = once(append(d.copies, t))
		return nil
	}
	if before, ok := d.said[t.Project]; ok {
		if !before.Expires.Equal(r.Expires) {
			return fault.New(fault.Usage, "give one end",
				"line %d: the share of image %s with project %s ends %s, and in line %d it ends %s",
				r.Line, d.image, t.Project, when(r.Expires), before.Line, when(before.Expires))
		}
		d.to = once(append(d.to, t)) // the one with credentials counts, wherever it stands
		return nil
	}
	d.said[t.Project] = r
	switch {
	case r.Expires.IsZero():
	case !r.Expires.After(now):
		d.over[t.Project] = r.Expires
		return nil
	default:
		d.ends[t.Project] = r.Expires
	}
	d.to = append(d.to, t)
	return nil
}

// PlanFile plans to make the clouds what the file says. Without Prune nobody loses access. What can't
// be done is left out and told by Apply, unless it is all.
func PlanFile(ctx context.Context, clouds Clouds, f *File, o FileOptions) (*Plan, error) {
	all, failed, err := f.desire(ctx, Cached(clouds), o)
	if err != nil {
		return nil, err
	}
	p := &Plan{parallel: cmp.Or(o.Parallel, defaultParallel), Failed: failed}
	plans, errs := make([]*Plan, len(all)), make([]error, len(all))
	var group errgroup.Group
	group.SetLimit(requests)
	for n, d := range all {
		group.Go(func() error {
			plans[n], errs[n] = d.plan(ctx, o)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), errors.Join(errs...))
	}
	for n, one := range plans {
		if errs[n] != nil {
			p.Failed = append(p.Failed, Failure{State: Unplanned, ImageID: all[n].image.ID, Image: all[n].image.Name, Err: errs[n]})
			continue
		}
		p.Changes = append(p.Changes, one.Changes...)
		p.Copies = append(p.Copies, one.Copies...)
		p.Failed = append(p.Failed, one.Failed...)
		p.notes = append(p.notes, one.notes...)
	}
	return p.unlessAllFailed()
}

func (d *desired) plan(ctx context.Context, o FileOptions) (*Plan, error) {
	p := &Plan{}
	var to []Target
	for _, t := range d.to {
		if t.ghost == "" {
			to = append(to, t)
			continue
		}
		p.Failed = append(p.Failed, Failure{
			State: Ghost, ImageID: d.image.ID, Image: d.image.Name, ProjectID: t.Project, Project: t.Name,
			Err: fmt.Errorf("image %s isn't shared with project %s: %s", d.image, t.Project, t.ghost),
		})
	}
	if err := p.share(ctx, d.site, []*glance.Image{d.image}, append(to, d.copies...),
		Tuning{AcceptRejected: o.AcceptRejected}); err != nil {
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
	if d.blind {
		if o.Prune {
			p.note("nobody loses access to image %s: not all that the file says of it is known", d.image)
		}
		return nil
	}
	now, err := d.site.Images.Statuses(ctx, d.image.ID)
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
