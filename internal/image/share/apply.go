package share

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Apply carries the plan out. All that gives access comes first; where any of it fails, what this
// run changed is rolled back, newest first, and the error has the kind of what failed. Then comes
// what takes access away, which is never rolled back: an error of kind fault.Partial says that some
// of it is left, and the same plan again finishes it. So does one that says that something could
// not be rolled back; it names what is left.
func Apply(ctx context.Context, p *Plan, rep report.Reporter) error {
	r := &run{plan: p, rep: rep}
	for _, c := range p.Changes {
		r.total += int64(len(c.gaining()))
	}
	if p.Done() {
		err := p.outstanding(nil)
		if err == nil {
			rep.Step("There is nothing to change")
		}
		return err
	}
	if err := r.give(ctx); err != nil {
		p.undone = true
		return r.takeBack(ctx, r.explain(ctx, err))
	}
	return p.outstanding(r.explain(ctx, r.take(ctx)))
}

// run is one application of a plan.
type run struct {
	plan  *Plan
	rep   report.Reporter
	undo  change.Undo
	total int64        // memberships to give
	done  atomic.Int64 // memberships given

	verified atomic.Int64 // of these, read back
}

// give is everything that can be rolled back.
func (r *run) give(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.plan.parallel)
	for _, c := range r.plan.Copies {
		group.Go(func() error { return r.copy(ctx, c) })
	}
	for _, c := range r.plan.Changes {
		group.Go(func() error { return r.change(ctx, c) })
	}
	return group.Wait()
}

// change makes the one image ready, and then its members.
func (r *run) change(ctx context.Context, c *Change) error {
	if c.own {
		if err := r.ready(ctx, c); err != nil {
			return err
		}
	}
	gaining := c.gaining()
	if len(gaining) == 0 {
		return nil
	}
	r.rep.Step("Image %s: %s", c.Image, count(len(gaining), "project"))
	var in atomic.Int64
	err := c.site.Images.Grant(ctx, c.Image, c.grants(gaining), glance.Granting{Undo: &r.undo, Guest: !c.own, Each: func() {
		in.Add(1)
		if done := r.done.Add(1); done < r.total { // never for a single one, which is done at once
			r.rep.Progress("projects", done, r.total)
		}
	}})
	if fault.Is(err, fault.Quota) {
		return fault.Wrap(fault.Quota, "share with fewer projects, remove some, or have the quota of members raised",
			fmt.Errorf("image %s: %d of %s got in: %w", c.Image, in.Load(), count(len(gaining), "project"), err))
	}
	if err != nil {
		return err
	}
	if r.verified.Add(int64(len(gaining))) == r.total && r.total > 1 { // done is only what was read back
		r.rep.Progress("projects", r.total, r.total)
	}
	return nil
}

// ready writes on the image what has to be there before anybody is added: its visibility, and
// until when the shares last, which must not come to be without an end.
func (r *run) ready(ctx context.Context, c *Change) error {
	gives := c.Visibility == glance.Shared
	if !gives && (!c.dated || len(c.gaining()) == 0 && len(c.losing()) > 0) {
		return nil
	}
	var patch glance.Patch
	if c.dated {
		var err error
		if patch, err = c.expires.patch(patch, hasProperty(c.Image, ExpiresKey)); err != nil {
			return err
		}
	}
	if gives {
		patch = patch.Visibility(glance.Shared)
	}
	if gives && hasProperty(c.Image, SuspendedKey) {
		patch = patch.Remove(SuspendedKey)
	}
	if len(patch) == 0 {
		return nil
	}
	before := &opened{change: c, image: c.Image}
	r.undo.Add(fmt.Sprintf("image %s, as it was", c.Image), before.restore)
	late, done := cloud.Grace(ctx)
	img, err := c.site.Images.Update(late, c.Image.ID, patch)
	done()
	if err != nil {
		return err
	}
	c.Image, c.dated = img, false
	if !gives {
		return nil
	}
	members, err := c.site.Images.Members(ctx, img.ID)
	if err != nil {
		return err
	}
	before.members = map[string]string{}
	for _, m := range members {
		if before.kept(m) {
			before.members[m.ProjectID] = m.Status
		}
	}
	if c.resume {
		c.wake(before.members)
		return nil
	}
	return c.woken(maps.Clone(before.members))
}

// kept tells a member that the private image had kept from one that another run has added since, at
// the same time as this one made the image shared. The service's times have seconds: a member of the
// same second counts as kept.
func (o *opened) kept(m glance.Member) bool { return !m.CreatedAt.After(o.image.UpdatedAt) }

// woken looks at the members that a private image had kept, and who have access again.
func (c *Change) woken(members map[string]string) error {
	for n := range c.Members {
		m := &c.Members[n]
		if status, ok := members[m.Project]; ok {
			m.Before = status
			if m.acceptor == nil {
				m.After = status
			}
			delete(members, m.Project)
		}
	}
	if len(members) == 0 {
		return nil
	}
	return fault.New(fault.Conflict, fault.Advise("run %s if they are to have it, and %s for those who are not",
		fault.Do("share", "resume", c.Image.ID), fault.Do("share", "remove", c.Image.ID)),
		"image %s was private and keeps %s from before, which would get access again: %q", c.Image, count(len(members), "member"),
		sortedKeys(members))
}

// wake notes who has got access again.
func (c *Change) wake(members map[string]string) {
	known := map[string]Member{}
	for _, m := range c.Members {
		known[m.Project] = m
	}
	c.Members = nil
	for _, id := range sortedKeys(members) {
		m := known[id]
		m.Project, m.Before, m.After = id, Dormant, members[id]
		c.Members = append(c.Members, m)
	}
}

// grants are the members as the client grants them. One that is dormant has its access already, now that
// the image is shared again.
func (c *Change) grants(members []*Member) []glance.Grant {
	grants := make([]glance.Grant, len(members))
	for n, m := range members {
		g := glance.Grant{Project: m.Project, Before: m.Before, Status: m.After, Answers: m.acceptor}
		switch m.Before {
		case None:
			g.Before = ""
		case Dormant:
			g.Before = m.After
		}
		grants[n] = g
	}
	return grants
}
