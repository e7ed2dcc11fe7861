package share

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// How clouds differ from a file.
const (
	DriftMissing     = "missing"   // the project isn't a member, or hasn't got its copy
	DriftExtra       = "extra"     // the project is a member, and the file doesn't name it
	DriftPending     = "pending"   // it could be accepted, or has been left pending for longer than it should
	DriftRejected    = "rejected"  // the project doesn't want the image
	DriftPrivate     = "private"   // the image isn't shared any more
	DriftGhost       = Ghost       // the project doesn't exist any more or is disabled
	DriftExpired     = "expired"   // the share's time is over
	DriftExpiry      = "expiry"    // the share ends at another time than the file says
	DriftNoImage     = NoImage     // the image isn't there, or several are
	DriftUnreachable = Unreachable // a cloud can't be reached, or not with its credentials
	DriftFailed      = Unplanned   // it can't be told for another reason
)

// Difference is one way in which a cloud isn't what a file says.
type Difference struct {
	Kind               string
	ImageID, Image     string
	ProjectID, Project string
	Detail             string
}

const defaultPatience = 24 * time.Hour

// Drift compares the clouds with the file, and only reads. What `share apply` can't fix is part
// of it as well.
func Drift(ctx context.Context, clouds Clouds, f *File, o FileOptions) ([]Difference, error) {
	o.Patience = cmp.Or(o.Patience, defaultPatience)
	var found []Difference
	all, failed, err := f.desire(ctx, Cached(clouds), o)
	if err != nil {
		return nil, err
	}
	for _, f := range failed {
		found = append(found, f.difference())
	}
	each := make([][]Difference, len(all))
	var group errgroup.Group
	group.SetLimit(requests)
	for n, d := range all {
		group.Go(func() error {
			var err error
			if each[n], err = d.drift(ctx, o); err != nil {
				each[n] = []Difference{Failure{State: Unplanned, ImageID: d.image.ID, Image: d.image.Name, Err: err}.difference()}
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is a difference
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return append(found, slices.Concat(each...)...), nil
}

func (f Failure) difference() Difference {
	return Difference{
		Kind: f.State, ImageID: f.ImageID, Image: f.Image, ProjectID: f.ProjectID, Project: cmp.Or(f.Project, f.Cloud),
		Detail: f.Err.Error(),
	}
}

// DriftError is the error that stands for differences, nil if there are none.
func DriftError(found []Difference) error {
	if len(found) == 0 {
		return nil
	}
	return fault.New(fault.Drift, fault.Advise("run %s to fix what can be fixed; add %s to also remove extra members",
		fault.Do("share", "apply"), fault.Set("prune", true)), "%s from the file", count(len(found), "difference"))
}

func (d *desired) drift(ctx context.Context, o FileOptions) ([]Difference, error) {
	var found []Difference
	add := func(kind string, project, name, format string, args ...any) {
		found = append(found, Difference{kind, d.image.ID, d.image.Name, project, name, fmt.Sprintf(format, args...)})
	}
	copies, err := planCopies(ctx, d.site, d.image, d.copies)
	if err != nil {
		return nil, err
	}
	for _, c := range copies {
		if c.Made == "" {
			add(DriftMissing, c.to.Project.ID, c.to.Project.Name, "%s has no copy", c.to)
		}
	}
	switch d.image.Visibility {
	case glance.Public:
		return found, nil
	case glance.Shared:
	default:
		if len(d.to) > 0 {
			add(DriftPrivate, "", "", "the image is %s; it is to be shared with %s", d.image.Visibility, count(len(d.to), "project"))
		}
		return found, nil
	}
	members, err := d.site.Images.Members(ctx, d.image.ID)
	if err != nil {
		return nil, err
	}
	ends, err := expiriesOf(d.image)
	if err != nil {
		return nil, err
	}
	is := map[string]glance.Member{}
	for _, m := range members {
		is[m.ProjectID] = m
	}
	for _, t := range d.to {
		m, ok := is[t.Project]
		delete(is, t.Project)
		if t.ghost != "" {
			add(DriftGhost, t.Project, t.Name, "%s", t.ghost)
			continue
		}
		p, err := d.site.project(ctx, t.Project)
		if err != nil {
			return nil, err
		}
		if ghost := p.ghost(); ghost != "" {
			add(DriftGhost, t.Project, t.Name, "%s", ghost)
		}
		switch {
		case !ok:
			add(DriftMissing, t.Project, t.Name, "the image isn't shared with it")
		case m.Status == glance.Rejected:
			add(DriftRejected, t.Project, t.Name, "it rejected the image on %s", stamp(m.UpdatedAt))
		case m.Status == glance.Pending && (t.acceptor(d.site) != nil || time.Since(m.UpdatedAt) > o.Patience):
			add(DriftPending, t.Project, t.Name, "pending since %s", stamp(m.UpdatedAt))
		}
		if end := d.ends[t.Project]; ok && !end.Equal(ends[t.Project]) {
			add(DriftExpiry, t.Project, t.Name, "it ends %s, and is to end %s", when(ends[t.Project]), when(end))
		}
	}
	surplus := d.surplus(ctx, is, ends)
	if d.blind { // a member that nothing names may be what couldn't be found out
		surplus = slices.DeleteFunc(surplus, func(x Difference) bool { return x.Kind == DriftExtra })
	}
	return append(found, surplus...), nil
}

// surplus are the members that the file doesn't want.
func (d *desired) surplus(ctx context.Context, is map[string]glance.Member, ends expiries) []Difference {
	var found []Difference
	for _, id := range sortedKeys(is) {
		x := Difference{DriftExtra, d.image.ID, d.image.Name, id, "", fmt.Sprintf("shared since %s, %s", stamp(is[id].CreatedAt),
			is[id].Status)}
		end, over := d.over[id]
		if !over {
			end, over = ends[id], slices.Contains(ends.expired(time.Now()), id)
		}
		p, err := d.site.project(ctx, id)
		switch {
		case err == nil && p.ghost() != "":
			x.Kind, x.Detail = DriftGhost, p.ghost()
		case over:
			x.Kind, x.Detail = DriftExpired, "it ended "+when(end)
		}
		x.Project = p.Name
		found = append(found, x)
	}
	return found
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return stamp(t)
}
