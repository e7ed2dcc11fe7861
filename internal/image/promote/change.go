package promote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Change is a promotion as a change.Plan. Its one row has image_id, name and changes; after Apply,
// instead of changes, it has what was done: changed, archived, members and deleted.
type Change struct {
	Plan   *Plan
	Result *Result // nil before Apply and where it failed

	site    Site
	applied bool
}

// On makes a change of the plan.
func (p *Plan) On(site Site) *Change { return &Change{Plan: p, site: site} }

// Done reports whether the image is current already.
func (c *Change) Done() bool {
	if c.Result != nil {
		return !c.Result.Changed
	}
	return c.Plan.Done()
}

// Loss asks whether archived images may be deleted.
func (c *Change) Loss() string {
	if n := len(c.Plan.Prune); n > 0 {
		return fmt.Sprintf("Delete %s of %q beyond those to keep?", count(n, "archived image"), c.Plan.Name)
	}
	return ""
}

// Notes are none.
func (c *Change) Notes() []fault.Advice { return nil }

// Apply promotes the image.
func (c *Change) Apply(ctx context.Context, rep report.Reporter) error {
	c.applied = true
	result, err := Apply(ctx, c.site, c.Plan, rep)
	if err == nil {
		c.Result = &result
	}
	return err
}

// Rows are the promotion's one row; none after one that failed.
func (c *Change) Rows() []change.Row {
	switch r := c.Result; {
	case r != nil:
		return []change.Row{{
			{Key: "image_id", Value: r.ImageID},
			{Key: "name", Value: r.Name},
			{Key: "changed", Value: r.Changed},
			{Key: "archived", Value: r.Archived},
			{Key: "members", Value: r.Members},
			{Key: "deleted", Value: r.Pruned},
		}}
	case c.applied:
		return nil
	}
	changes := []string{}
	if !c.Plan.Done() {
		changes = c.Plan.Changes()
	}
	return []change.Row{{{Key: "image_id", Value: c.Plan.Image.ID}, {Key: "name", Value: c.Plan.Name}, {Key: "changes", Value: changes}}}
}

// Settling is what settles the unfinished promotions of some names, as a change.Plan. Its one row has
// settled, a list.
type Settling struct {
	Plans   []*ResumePlan
	Timeout time.Duration // for each name

	site    Site
	applied bool
	settled []Settled
	failed  []error // of names whose plan couldn't be made
}

// Settled is a promotion that was settled, or is going to be.
type Settled struct {
	Image   string `json:"image_id"`
	Name    string `json:"name"`
	Run     string `json:"run"`
	Outcome string `json:"outcome"`
}

// NewSettling plans to settle what is left of promotions of the owner's names. A name that fails is left out and
// told by Apply, unless all do.
func NewSettling(ctx context.Context, site Site, owner string, names []string, timeout time.Duration) (*Settling, error) {
	s := &Settling{site: site, Timeout: timeout}
	for _, name := range names {
		p, err := NewResume(ctx, site, owner, name)
		if err != nil {
			s.failed = append(s.failed, err)
			continue
		}
		s.Plans = append(s.Plans, p)
	}
	if len(s.failed) > 0 && (len(s.Plans) == 0 || ctx.Err() != nil) {
		return nil, errors.Join(s.failed...)
	}
	return s, nil
}

// LeftOut are the names whose plan couldn't be made.
func (s *Settling) LeftOut() error {
	if len(s.failed) == 0 {
		return nil
	}
	return fault.Wrap(fault.Partial, "", errors.Join(s.failed...))
}

// Done reports whether there is nothing to settle.
func (s *Settling) Done() bool {
	for _, p := range s.Plans {
		if !p.Done() {
			return false
		}
	}
	return true
}

// Loss is none: what is rolled back was never current.
func (s *Settling) Loss() string { return "" }

// Notes are none.
func (s *Settling) Notes() []fault.Advice { return nil }

// Apply settles the names in turn. If one can't be settled, the others still are.
func (s *Settling) Apply(ctx context.Context, rep report.Reporter) error {
	s.applied = true
	errs := slices.Clone(s.failed)
	for _, p := range s.Plans {
		if err := Resume(ctx, s.site, p, s.Timeout, rep); err != nil {
			errs = append(errs, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		s.settled = append(s.settled, settledBy(p)...)
	}
	err := errors.Join(errs...)
	if len(errs) > 0 && len(errs) < len(s.Plans)+len(s.failed) && ctx.Err() == nil {
		return fault.Wrap(fault.Partial, "", err)
	}
	return err
}

// Rows are the one row.
func (s *Settling) Rows() []change.Row {
	all := []Settled{}
	if s.applied {
		all = append(all, s.settled...)
	} else {
		for _, p := range s.Plans {
			all = append(all, settledBy(p)...)
		}
	}
	return []change.Row{{{Key: "settled", Value: all}}}
}

func settledBy(p *ResumePlan) (all []Settled) {
	for _, u := range p.Unfinished {
		all = append(all, Settled{u.Image.ID, u.Name, u.Run, u.Settled})
	}
	return all
}
