package promote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// recoverName finishes or takes back what dead runs left of promotions under the name. The
// caller holds the claim, so no run that still lives is among them.
func recoverName(ctx context.Context, site Site, owner, name string, rep report.Reporter) error {
	found, err := site.Images.Images(ctx, glance.Query{
		Owner: owner, BothHidden: true, Properties: map[string]string{promotingKey: name},
	})
	if err != nil {
		return err
	}
	for _, img := range found {
		j, err := journalOf(img)
		if err != nil {
			return err
		}
		if j == nil {
			if _, err := site.Images.Update(ctx, img.ID, glance.Patch{}.Remove(promotingKey)); err != nil {
				return err
			}
			continue
		}
		if j.Phase == swapped {
			rep.Step("Finishing the promotion of image %s that run %s left", img, j.Run)
			if err := archive(ctx, site, img.ID, j, rep); err != nil {
				return err
			}
			err = settle(ctx, site, img.ID, j, rep)
		} else {
			rep.Step("Taking back the promotion of image %s that run %s left", img, j.Run)
			err = undo(ctx, site, img.ID, j, rep)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeBack undoes this run's promotion because of cause, also when the caller's time is over.
func (r *run) takeBack(ctx context.Context, cause error) error {
	if errors.Is(context.Cause(ctx), errTakenOver) {
		return cause // whoever took over settles what this run left
	}
	r.rep.Step("Taking back the promotion of image %s", r.plan.Image)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	err := undo(ctx, r.site, r.plan.Image.ID, r.journal, r.rep)
	if err == nil {
		return fmt.Errorf("promoting image %s to %q (nothing is changed): %w", r.plan.Image, r.plan.Name, cause)
	}
	return fault.Wrap(fault.Partial, "run the promotion again: it first settles what this one left",
		fmt.Errorf("promoting image %s to %q: %w (and taking it back: %w)", r.plan.Image, r.plan.Name, cause, err))
}

// undo takes a promotion back: first the predecessors get their names again, then the new image
// loses it, so that there is an image of the name all the time.
func undo(ctx context.Context, site Site, id string, j *journal, rep report.Reporter) error {
	img, err := site.Images.Image(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return undoPredecessors(ctx, site, id, j)
	}
	if err != nil {
		return err
	}
	if img.Properties[journalKey] == "" {
		return nil // never begun, or settled by another run
	}
	back := *j
	back.Phase = undoing
	text, err := back.encode()
	if err != nil {
		return err
	}
	if img, err = site.Images.Update(ctx, id, glance.Patch{}.Change(journalKey, text)); err != nil {
		return err
	}
	if err := undoPredecessors(ctx, site, id, j); err != nil {
		return err
	}
	if err := undoMembers(ctx, site, img, j, rep); err != nil {
		return err
	}
	if j.Before.Inactive && img.Status == glance.StatusActive {
		if err := site.Images.Deactivate(ctx, id); err != nil {
			return err
		}
	}
	_, err = site.Images.Update(ctx, id, undoPatch(img, j))
	return err
}

func undoPredecessors(ctx context.Context, site Site, id string, j *journal) error {
	for _, old := range slices.Backward(j.Predecessors) {
		img, err := site.Images.Image(ctx, old.ID)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if !archivedBy(img, id) {
			continue
		}
		patch := glance.Patch{}.Hidden(old.Hidden)
		for _, k := range []string{ArchivedFromKey, ArchivedAtKey, ArchivedByKey} {
			if _, ok := img.Properties[k]; ok {
				patch = patch.Remove(k)
			}
		}
		if j.Strategy == Pointer {
			patch = patch.Set(CurrentKey, j.Name)
		} else {
			patch = patch.Name(j.Name)
		}
		if _, err := site.Images.Update(ctx, old.ID, patch); err != nil {
			return err
		}
	}
	return nil
}

// undoMembers removes the members that the promotion added. Those that were there keep their
// access; that one's status can't be set back, for want of its consent, is only said.
func undoMembers(ctx context.Context, site Site, img *glance.Image, j *journal, rep report.Reporter) error {
	now, err := membersNow(ctx, site, img)
	if err != nil {
		return err
	}
	for _, project := range slices.Sorted(maps.Keys(now)) {
		was, ok := j.Before.Members[project]
		switch {
		case !ok:
			err = site.Images.RemoveMember(ctx, img.ID, project)
		case was != now[project]:
			err = site.memberClient(project).SetMemberStatus(ctx, img.ID, project, was)
			if fault.Is(err, fault.Forbidden) {
				rep.Warn("project %s stays %s on image %s: %v", project, now[project], img, err)
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// undoPatch gives the image back all that it had, and takes the journal away with it.
func undoPatch(img *glance.Image, j *journal) glance.Patch {
	p := glance.Patch{}.Remove(journalKey)
	if _, ok := img.Properties[promotingKey]; ok {
		p = p.Remove(promotingKey)
	}
	if j.Strategy == Rename {
		p = p.Name(j.Before.Name)
	}
	p = p.Visibility(j.Before.Visibility).Hidden(j.Before.Hidden)
	for _, k := range slices.Sorted(maps.Keys(j.Before.Properties)) {
		v := j.Before.Properties[k]
		_, has := img.Properties[k]
		switch {
		case v != nil:
			p = p.Set(k, *v)
		case has:
			p = p.Remove(k)
		}
	}
	return p
}
