package promote

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// While a promotion runs, projects may change their status and the owner may add and remove members. What
// happened to the predecessors after the plan was made is applied to the new image as well, before any
// member is removed from a predecessor.

// following is how far that is.
type following struct {
	before  map[string]map[string]string   // status by predecessor and project, as read last
	best    map[string]string              // status by project that gives most, of all predecessors
	partial bool                           // not all predecessors could be read
	now     map[string]string              // status by project on the new image
	stay    map[string]string              // status of projects that keep it on the predecessors
	ends    map[string][]map[string]string // when shares end, by project, on each predecessor that has it
}

// moveMembers brings the new image's members up to date and, if the members move, removes them from the
// predecessors. A change that happens in between is applied as well.
func (r *run) moveMembers(ctx context.Context) error {
	if r.journal.Members == None {
		return nil
	}
	f := &following{stay: map[string]string{}}
	for {
		if err := r.followMembers(ctx, f); err != nil {
			return err
		}
		if r.journal.Members == Copy {
			return nil
		}
		again, err := r.withdraw(ctx, f)
		if err != nil || !again {
			return err
		}
	}
}

// followMembers compares the predecessors' members with those that the promotion found, and applies the
// changes to the new image.
func (r *run) followMembers(ctx context.Context, f *following) error {
	img, err := r.current(ctx)
	if err != nil {
		return err
	}
	if f.now, err = membersNow(ctx, r.site, img); err != nil {
		return err
	}
	if err := r.readPredecessors(ctx, f); err != nil || img.Visibility != glance.Shared {
		return err
	}
	if err := r.followRemovals(ctx, f); err != nil {
		return err
	}
	for _, project := range slices.Sorted(maps.Keys(f.best)) {
		want := r.journal.follow(project, f.best[project], f.now[project])
		if want == f.now[project] || f.stay[project] == f.best[project] {
			continue
		}
		if text, changed := endsWith(img, project, f.ends[project]); changed && f.now[project] == "" {
			if img, err = r.site.Images.Update(ctx, r.image, glance.Patch{}.Set(glance.ShareEndsKey, text)); err != nil {
				return err
			}
		}
		now, err := r.answer(ctx, project, f.now[project], want)
		if f.now[project] = now; err == nil {
			continue
		}
		if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Quota) {
			return err
		}
		f.stay[project] = f.best[project]
		r.rep.Warn("project %s became %s on a predecessor while this promotion ran, and stays so there; image %s can't follow: %v",
			project, want, img, err)
	}
	return nil
}

func (r *run) readPredecessors(ctx context.Context, f *following) error {
	f.before, f.best, f.partial = map[string]map[string]string{}, map[string]string{}, false
	f.ends = map[string][]map[string]string{}
	for _, old := range r.journal.Predecessors {
		img, err := r.site.Images.Image(ctx, old.ID)
		if fault.Is(err, fault.NotFound) {
			f.partial = true
			continue
		}
		if err != nil {
			return err
		}
		if img.Visibility != glance.Shared {
			continue
		}
		members, err := membersNow(ctx, r.site, img)
		if err != nil {
			return err
		}
		f.before[old.ID] = members
		ends, _ := shareEnds(img)
		for project, status := range members {
			f.best[project] = better(f.best[project], status)
			f.ends[project] = append(f.ends[project], ends)
		}
	}
	f.partial = f.partial || len(f.before) == 0
	return nil
}

// followRemovals removes projects from the new image that the owner has removed from the predecessors. It
// only runs before this promotion removes members from them itself.
func (r *run) followRemovals(ctx context.Context, f *following) error {
	j := r.journal
	if j.Followed || f.partial {
		return nil
	}
	for _, project := range slices.Sorted(maps.Keys(j.Answers)) {
		if f.best[project] != "" || f.now[project] == "" || j.Before.Members[project] != "" {
			continue
		}
		r.rep.Step("Removing project %s from image %s, as it was removed from its predecessor", project, r.image)
		if err := r.site.Images.RemoveMember(ctx, r.image, project); err != nil {
			return err
		}
		delete(f.now, project)
	}
	return nil
}

// follow is the status that a project must get on the new image, given its current status on the
// predecessors and on the new image.
func (j *journal) follow(project, old, now string) string {
	seen, planned := j.Answers[project]
	before := j.Before.Members[project]
	switch {
	case !planned: // the owner added it meanwhile
		return better(now, j.grant(old, before))
	case old == seen, now != j.grant(seen, before): // nothing new, or it was changed on the new image itself
		return now
	case old == glance.Rejected:
		return old
	}
	return j.grant(old, before)
}

// grant is the status that a member of the predecessors gets on the new image.
func (j *journal) grant(old, before string) string {
	return granted(j.MemberStates, old, before)
}

// answer makes the project a member with the status. It returns the status that the project has.
func (r *run) answer(ctx context.Context, project, now, want string) (string, error) {
	if now == "" {
		r.rep.Step("Sharing image %s with project %s, as its predecessor was", r.image, project)
		if err := memberQuota(r.site.Images.AddMember(ctx, r.image, project)); err != nil {
			return now, err
		}
		now = glance.Pending
	}
	if want == now {
		return now, nil
	}
	if !r.site.answersFor(project) {
		return now, fault.New(fault.Forbidden, "", "only the project itself can")
	}
	if err := r.site.memberClient(project).SetMemberStatus(ctx, r.image, project, want); err != nil {
		return now, err
	}
	r.rep.Step("Project %s is %s on image %s, as on its predecessor", project, want, r.image)
	return want, nil
}

// withdraw removes from the predecessors the members that the new image has. A member whose status has
// changed since it was read is kept, and again is true.
func (r *run) withdraw(ctx context.Context, f *following) (again bool, err error) {
	leave := func(project string) bool { return f.now[project] == "" || f.stay[project] != "" }
	if !slices.ContainsFunc(slices.Collect(maps.Keys(f.best)), func(project string) bool { return !leave(project) }) {
		return false, nil
	}
	if !r.journal.Followed {
		r.journal.Followed = true
		if err := r.rewriteJournal(ctx); err != nil {
			return false, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.before)) {
		members, err := membersNow(ctx, r.site, &glance.Image{ID: id, Visibility: glance.Shared})
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		var removals errgroup.Group // one that fails doesn't stop the others
		removals.SetLimit(parallel)
		for project, status := range members {
			switch {
			case status != f.before[id][project]:
				again = true
			case !leave(project):
				removals.Go(func() error { return r.site.Images.RemoveMember(ctx, id, project) })
			}
		}
		if err := removals.Wait(); err != nil {
			return false, err
		}
	}
	return again, nil
}
