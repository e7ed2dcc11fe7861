package promote

import (
	"context"
	"errors"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// recoverName settles what dead runs left of promotions under the name: one whose image is live is
// finished, any other is rolled back. The caller holds the claim, so all of them are dead.
func recoverName(ctx context.Context, site Site, owner, name string, rep report.Reporter) error {
	found, err := site.Images.Images(ctx, glance.Query{
		Owner: owner, BothHidden: true, Properties: map[string]string{promotingKey: name},
	})
	if err != nil {
		return err
	}
	var errs []error // one that can't be settled doesn't keep the others from it
	for _, img := range found {
		if ctx.Err() != nil {
			break
		}
		j, err := journalOf(img)
		r := &run{site: site, rep: rep, image: img.ID, journal: j}
		switch {
		case err != nil:
		case j == nil:
			_, err = site.Images.Update(ctx, img.ID, glance.Patch{}.Remove(promotingKey))
		case j.Phase == swapped:
			rep.Step("Finishing the promotion of image %s that run %s left", img, j.Run)
			err = r.finish(ctx)
		default:
			rep.Step("Rolling back the promotion of image %s that run %s left", img, j.Run)
			err = r.takeBack(ctx)
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// finish goes through the steps from the first to the last.
func (r *run) finish(ctx context.Context) error {
	for _, s := range steps {
		if err := s.finish(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// takeBack goes through the steps from the last to the first. The journal says so beforehand: from
// then on no run finishes this promotion any more.
func (r *run) takeBack(ctx context.Context) error {
	back := *r.journal
	back.Phase = undoing
	text, err := back.encode()
	if err != nil {
		return err
	}
	if _, err := r.site.Images.Update(ctx, r.image, glance.Patch{}.Change(journalKey, text)); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	for _, s := range slices.Backward(steps) {
		if err := s.takeBack(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// rollBack takes this run's own promotion back because of cause, even when the caller's time is over.
func (r *run) rollBack(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	begun, deleted, err := r.begun(ctx)
	if begun {
		r.rep.Step("Rolling back the promotion of image %s; if this is stopped, run %s to continue", r.plan.Image, r.resume())
		err = r.takeBack(ctx)
	}
	switch {
	case err != nil:
		return fault.New(fault.Partial, fault.Advise("run the promotion again, or %s: both settle first what this run left", r.resume()),
			"promoting image %s to %q: %w (and the rollback failed: %w)", r.plan.Image, r.plan.Name, cause, err)
	case deleted:
		return fault.New(fault.NotFound, "promote another image",
			"image %s was deleted by somebody while it was promoted to %q; the images before are as they were", r.plan.Image, r.plan.Name)
	}
	return fault.New(fault.KindOf(cause), "", "promoting image %s to %q (nothing is changed): %w", r.plan.Image, r.plan.Name, cause)
}

// begun reports whether there is anything to roll back: the image has this run's journal, or it was
// deleted and its predecessors may have been archived.
func (r *run) begun(ctx context.Context) (begun, deleted bool, err error) {
	img, err := r.current(ctx)
	switch {
	case fault.Is(err, fault.NotFound):
		return true, true, nil
	case err != nil:
		return false, false, err
	}
	j, err := journalOf(img)
	return j != nil && j.Run == r.journal.Run, false, err
}

// unfinished is the error of a promotion whose image is live, and which can't be rolled back any more.
func (r *run) unfinished(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if _, e := r.current(ctx); fault.Is(e, fault.NotFound) {
		return fault.New(fault.Partial,
			fault.Advise("promote another image, or roll back to the previous one with %s", fault.Do("promote", "rollback", r.plan.Name)),
			"image %s became current under %q, and was then deleted by somebody: no image is current now", r.plan.Image, r.plan.Name)
	}
	return fault.New(fault.Partial, fault.Advise("run the promotion again, or %s, to finish it", r.resume()),
		"image %s is current under %q, but not everything behind it is done: %w", r.plan.Image, r.plan.Name, err)
}

// resume is what settles this promotion after its run has ended.
func (r *run) resume() fault.Action { return fault.Do("promote", "resume", r.journal.Name) }
