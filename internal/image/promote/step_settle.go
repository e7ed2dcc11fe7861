package promote

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// settleStep does what follows once the new image is live and its predecessors are archived. From
// here on nothing is undone: access that was moved can't be moved back without the members'
// consent.
type settleStep struct{}

func (settleStep) doing() string { return "settling what is left behind" }

func (s settleStep) do(ctx context.Context, r *run) error { return s.finish(ctx, r) }

// finish does as much as it can: what fails doesn't keep the rest from being done.
func (settleStep) finish(ctx context.Context, r *run) error {
	errs := []error{r.moveMembers(ctx)}
	if r.journal.OldAction == Deactivate {
		for _, old := range r.journal.Predecessors {
			errs = append(errs, r.deactivate(ctx, old.ID))
		}
	}
	if r.journal.Retain != nil {
		errs = append(errs, r.prune(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := r.site.Images.Update(ctx, r.image, glance.Patch{}.Remove(journalKey).Remove(promotingKey))
	return err
}

// takeBack is never asked for: a promotion that got here is finished.
func (settleStep) takeBack(context.Context, *run) error { return nil }

// deactivate keeps servers from booting from the archived image; where only administrators may do
// that, it is hidden.
func (r *run) deactivate(ctx context.Context, archived string) error {
	err := r.site.Images.Deactivate(ctx, archived)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case fault.Is(err, fault.Forbidden):
		r.rep.Warn("this cloud lets only admins deactivate images; image %s is hidden instead", archived)
		_, err = r.site.Images.Update(ctx, archived, glance.Patch{}.Hidden(true))
	}
	return err
}

// prune deletes the archived images that are too many. One that can't be deleted, because it is
// protected or in use, is reported and left for the next time.
func (r *run) prune(ctx context.Context) error {
	img, err := r.current(ctx)
	if err != nil {
		return err
	}
	archived, err := archivedImages(ctx, r.site, img.Owner, r.journal.Name)
	if err != nil {
		return err
	}
	var errs []error
	for _, old := range beyond(*r.journal.Retain, archived, r.image) {
		r.rep.Step("Deleting archived image %s", old)
		if old.Protected {
			r.rep.Warn("archived image %s is protected and stays", old)
			continue
		}
		err := r.site.Images.Delete(ctx, old.ID)
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Forbidden) {
			r.rep.Warn("archived image %s stays: %v", old, err)
			continue
		}
		if err != nil {
			errs = append(errs, fault.In("keep", err))
		}
	}
	return errors.Join(errs...)
}
