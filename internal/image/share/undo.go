package share

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// takeBack undoes everything, newest first, and returns why. It continues after the caller has cancelled.
func (r *run) takeBack(ctx context.Context, why error) error {
	advice := fault.Advise("look with %s and remove what is left with %s", fault.Do("share", "list"), fault.Do("share", "remove"))
	changed, err := r.undo.TakeBack(ctx, why, advice)
	switch {
	case fault.Is(err, fault.Partial):
	case changed:
		r.rep.Step("Failed; undoing what this run changed")
	default:
		r.rep.Step("Failed; nothing was changed")
	}
	return err
}

// opened is an image as it was before it was made ready.
type opened struct {
	change  *Change
	image   *glance.Image
	members map[string]string // that it had kept, once that is known
}

// restore puts back what differs. An image stays shared where somebody else has added members in
// the meantime.
func (o *opened) restore(ctx context.Context) (changed bool, err error) {
	client := o.change.site.Images
	now, err := client.Image(ctx, o.image.ID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var patch glance.Patch
	for _, key := range []string{ExpiresKey, SuspendedKey} {
		before, had := o.image.Properties[key]
		after, has := now.Properties[key]
		switch {
		case had && before != after:
			patch = patch.Set(key, before)
		case !had && has:
			patch = patch.Remove(key)
		}
	}
	if now.Visibility == glance.Shared && o.image.Visibility == glance.Private {
		if err := o.onlyOurs(ctx); err != nil {
			return false, err
		}
		patch = patch.Visibility(glance.Private)
	}
	if len(patch) == 0 {
		return false, nil
	}
	_, err = client.Update(ctx, o.image.ID, patch)
	return true, err
}

// onlyOurs is an error if the image has members that it hadn't when it was private.
func (o *opened) onlyOurs(ctx context.Context) error {
	if o.members == nil {
		return nil // it failed before anybody could be added
	}
	now, err := o.change.site.Images.Statuses(ctx, o.image.ID)
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(now) {
		if _, kept := o.members[id]; !kept {
			return fault.New(fault.Conflict, "", "image %s stays shared: project %s was added in the meantime", o.image, id)
		}
	}
	return nil
}
