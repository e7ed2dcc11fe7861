package promote

import (
	"context"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// swapStep makes the new image the current one: name, visibility and the journal's next phase go
// live in one request. For a moment the name has two images, and never none.
type swapStep struct{}

// swapKeys are the properties that say which image is, or was, current under which name.
// The deadline of the run that made the image means nothing once it is current.
var swapKeys = []string{
	PromotedKey, GenerationKey, CurrentKey, StrategyKey, ArchivedFromKey, ArchivedAtKey, ArchivedByKey, cloud.DeadlineKey,
}

func (swapStep) doing() string { return "making the image current" }

func (swapStep) do(ctx context.Context, r *run) error {
	p := r.plan
	r.rep.Step("Making image %s current under %q", p.Image, p.Name)
	r.journal.Phase = swapped
	text, err := r.journal.encode()
	if err != nil {
		return err
	}
	patch := glance.Patch{}.Change(journalKey, text).Hidden(false).Visibility(p.Visibility).
		Set(PromotedKey, r.journal.At).Set(GenerationKey, strconv.Itoa(r.claim.number))
	for _, key := range []string{StrategyKey, ArchivedFromKey, ArchivedAtKey, ArchivedByKey, cloud.DeadlineKey} {
		if r.journal.Before.Properties[key] != nil {
			patch = patch.Remove(key)
		}
	}
	if r.journal.Strategy == Pointer {
		patch = patch.Set(CurrentKey, p.Name)
	} else {
		patch = patch.Name(p.Name)
	}
	_, err = r.site.Images.Update(ctx, r.image, patch)
	return err
}

// takeBack gives the image its own name again. Its visibility stays until the members are gone,
// which the service shows of shared images only.
func (swapStep) takeBack(ctx context.Context, r *run) error {
	img, err := r.current(ctx)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	before := r.journal.Before
	var patch glance.Patch
	if r.journal.Strategy == Rename && img.Name != before.Name {
		patch = patch.Name(before.Name)
	}
	if img.Hidden != before.Hidden {
		patch = patch.Hidden(before.Hidden)
	}
	for _, key := range swapKeys {
		patch = r.journal.restore(patch, img, key)
	}
	if len(patch) == 0 {
		return nil
	}
	_, err = r.site.Images.Update(ctx, r.image, patch)
	return err
}

// finish has nothing to do: the request went through as a whole.
func (swapStep) finish(context.Context, *run) error { return nil }
