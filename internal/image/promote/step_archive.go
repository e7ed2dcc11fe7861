package promote

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// archiveStep takes the name away from the images that had it before, newest first.
type archiveStep struct{}

func (archiveStep) doing() string { return "archiving the predecessors" }

func (s archiveStep) do(ctx context.Context, r *run) error { return s.finish(ctx, r) }

// finish archives those predecessors that aren't archived yet.
func (archiveStep) finish(ctx context.Context, r *run) error {
	for _, old := range r.journal.Predecessors {
		img, err := r.site.Images.Image(ctx, old.ID)
		if fault.Is(err, fault.NotFound) {
			continue // deleted by somebody: nothing is left to archive
		}
		if err != nil {
			return err
		}
		if img.Properties[ArchivedByKey] == r.image {
			continue
		}
		if _, err := r.site.Images.Update(ctx, old.ID, r.archived(img, old)); err != nil {
			return err
		}
	}
	return nil
}

// archived is the change that archives a predecessor.
func (r *run) archived(img *glance.Image, old predecessor) glance.Patch {
	j := r.journal
	patch := glance.Patch{}.Set(ArchivedFromKey, j.Name).Set(ArchivedAtKey, j.At).Set(ArchivedByKey, r.image)
	if j.Strategy == Rename && img.Name == j.Name {
		r.rep.Step("Archiving image %s as %q", img, old.Archive)
		patch = patch.Name(old.Archive)
	} else {
		r.rep.Step("Retiring image %s", img)
	}
	if j.Strategy == Pointer {
		patch = patch.Set(StrategyKey, Pointer)
	}
	if img.Properties[CurrentKey] == j.Name {
		patch = patch.Remove(CurrentKey)
	}
	if j.OldAction == Hide {
		patch = patch.Hidden(true)
	}
	return patch
}

// takeBack makes the predecessors current again, the last one first. The new image still has the
// name while it happens.
func (archiveStep) takeBack(ctx context.Context, r *run) error {
	for _, old := range slices.Backward(r.journal.Predecessors) {
		img, err := r.site.Images.Image(ctx, old.ID)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if img.Properties[ArchivedByKey] != r.image {
			continue
		}
		patch := glance.Patch{}.Hidden(old.Hidden)
		for _, key := range []string{StrategyKey, ArchivedFromKey, ArchivedAtKey, ArchivedByKey} {
			patch = removeIfThere(patch, img, key)
		}
		if old.Pointed {
			patch = patch.Set(CurrentKey, r.journal.Name)
		}
		if r.journal.Strategy == Rename && img.Name == old.Archive {
			patch = patch.Name(r.journal.Name)
		}
		if _, err := r.site.Images.Update(ctx, old.ID, patch); err != nil {
			return err
		}
	}
	return nil
}
