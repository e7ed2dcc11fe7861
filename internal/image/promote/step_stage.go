package promote

import (
	"context"
	"maps"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// stageStep gives the new image all that it has to have the moment it goes live: properties, and
// the members with their answers. The journal comes with the first change. Nobody looks for the
// image yet, so a run that dies here is rolled back.
type stageStep struct{}

func (stageStep) doing() string { return "preparing the image" }

func (stageStep) do(ctx context.Context, r *run) error {
	p := r.plan
	j, err := newJournal(ctx, r.site, p)
	if err != nil {
		return err
	}
	text, err := j.encode()
	if err != nil {
		return err
	}
	patch := glance.Patch{}.Set(journalKey, text).Set(promotingKey, p.Name).SetAll(p.Properties)
	if len(p.Members) > 0 && p.Image.Visibility != glance.Shared {
		patch = patch.Visibility(glance.Shared)
	}
	r.journal = j
	if _, err := r.site.Images.Update(ctx, r.image, patch); err != nil {
		return err
	}
	if j.Before.Inactive {
		r.rep.Step("Reactivating image %s", p.Image)
		if err := r.site.Images.Reactivate(ctx, r.image); err != nil {
			return err
		}
	}
	return r.share(ctx, p.Members)
}

// share adds the members with their answers, and reads them back. Undoing it is the journal's.
func (r *run) share(ctx context.Context, members []Member) error {
	if len(members) == 0 {
		return nil
	}
	r.rep.Step("Sharing image %s with %s", r.plan.Image, count(len(members), "project"))
	grants := make([]glance.Grant, len(members))
	for n, m := range members {
		grants[n] = glance.Grant{Project: m.ProjectID, Before: m.Now, Status: m.Status, Answers: r.site.memberClient(m.ProjectID)}
	}
	return memberQuota(r.site.Images.Grant(ctx, r.plan.Image, grants, glance.Granting{}))
}

// memberQuota gives advice on a quota of which the service tells only its number.
func memberQuota(err error) error {
	if fault.Is(err, fault.Quota) {
		return fault.Wrap(fault.Quota, "remove members that are no longer needed, or have the quota of members per image raised", err)
	}
	return err
}

// takeBack removes the members that were added, and then gives the image back what it had. The
// journal goes with the last change.
func (stageStep) takeBack(ctx context.Context, r *run) error {
	img, err := r.current(ctx)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.unshare(ctx, img); err != nil {
		return err
	}
	if r.journal.Before.Inactive && img.Status == glance.StatusActive {
		if err := r.site.Images.Deactivate(ctx, r.image); err != nil {
			return err
		}
	}
	patch := glance.Patch{}.Visibility(r.journal.Before.Visibility)
	for _, key := range slices.Sorted(maps.Keys(r.journal.Before.Properties)) {
		patch = r.journal.restore(patch, img, key)
	}
	for _, key := range []string{journalKey, promotingKey} {
		patch = removeIfThere(patch, img, key)
	}
	_, err = r.site.Images.Update(ctx, r.image, patch)
	return err
}

// unshare removes the members that the promotion added. Those that were there before keep their
// access; an answer that can't be set back, for want of the project's consent, is only reported.
func (r *run) unshare(ctx context.Context, img *glance.Image) error {
	now, err := membersNow(ctx, r.site, img)
	if err != nil {
		return err
	}
	for _, project := range slices.Sorted(maps.Keys(now)) {
		was, ok := r.journal.Before.Members[project]
		switch {
		case !ok:
			err = r.site.Images.RemoveMember(ctx, r.image, project)
		case was != now[project]:
			err = r.site.memberClient(project).SetMemberStatus(ctx, r.image, project, was)
			if fault.Is(err, fault.Forbidden) {
				r.rep.Warn("project %s stays %s on image %s: %v", project, now[project], img, err)
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish has nothing to do: an image goes live only when it is staged.
func (stageStep) finish(context.Context, *run) error { return nil }
