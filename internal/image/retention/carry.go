package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// carrier carries out one action on one image.
type carrier struct {
	site  Site
	plan  *Plan
	entry *Entry
	image *glance.Image
	now   time.Time // by the cloud's clock
	undo  change.Undo
	state string // of the image that is about to be deleted
}

// mark writes the stage on the image together with what the stage changes. Glance deactivates an image by a
// request of its own, which follows; a run that dies in between leaves the mark, by which the next one knows.
func (c *carrier) mark(ctx context.Context) error {
	action := c.entry.Action
	patch := glance.Patch{}.Set(StageKey, action).Set(StageAtKey, stamp(c.now)).Set(PolicyKey, c.plan.Policy.Name)
	if beforeOf(c.image) == nil {
		b, err := c.before(ctx)
		if err != nil {
			return err
		}
		patch = patch.Set(BeforeKey, b.encode())
	}
	if c.entry.ReplacedBy != "" {
		patch = patch.Set(ReplacedByKey, c.entry.ReplacedBy)
	}
	switch action {
	case Hide, Trash:
		patch = patch.Hidden(true)
	case Community, Private:
		patch = patch.Visibility(action)
	}
	if _, err := c.site.Images.Update(ctx, c.image.ID, patch); err != nil {
		return err
	}
	if action != Deactivate && action != Trash || c.image.Status == glance.StatusDeactivated {
		return nil
	}
	c.undo.Add("the mark", c.unmark)
	if err := c.site.Images.Deactivate(ctx, c.image.ID); err != nil {
		_, err = c.undo.TakeBack(ctx, err, fault.Advise("restore it with %s", fault.Do("retention", "restore", c.image.ID)))
		return err
	}
	return nil
}

// unmark brings the image back to what it was before mark.
func (c *carrier) unmark(ctx context.Context) (bool, error) {
	now, err := c.site.Images.Image(ctx, c.image.ID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	patch := glance.Patch{}
	if now.Hidden != c.image.Hidden {
		patch = patch.Hidden(c.image.Hidden)
	}
	for _, key := range []string{StageKey, StageAtKey, PolicyKey, BeforeKey, ReplacedByKey} {
		was, had := c.image.Properties[key]
		is, has := now.Properties[key]
		switch {
		case has && !had:
			patch = patch.Remove(key)
		case had && (!has || is != was):
			patch = patch.Set(key, was)
		}
	}
	if now.Status == glance.StatusDeactivated && c.image.Status == glance.StatusActive {
		if err := c.site.Images.Reactivate(ctx, c.image.ID); err != nil {
			return false, err
		}
	}
	if len(patch) == 0 {
		return false, nil
	}
	_, err = c.site.Images.Update(ctx, c.image.ID, patch)
	return err == nil, err
}

// before is the image as it is now, with its members.
func (c *carrier) before(ctx context.Context) (*before, error) {
	b := &before{Visibility: c.image.Visibility, Hidden: c.image.Hidden, Status: c.image.Status}
	if by, ok := c.image.Properties[ReplacedByKey]; ok {
		b.Replaced = &by
	}
	if c.image.Visibility == glance.Shared {
		members, err := c.site.Images.Members(ctx, c.image.ID)
		if err != nil {
			return nil, err
		}
		b.Members = map[string]string{}
		for _, m := range members {
			b.Members[m.ProjectID] = m.Status
		}
	}
	if len(b.encode()) > glance.MaxProperty {
		b.Members = nil // the service keeps them as long as the image exists
	}
	return b, nil
}

// fence deactivates an image that is to be deleted; a property says so, for the case that this run dies. An
// image that the service doesn't let these credentials deactivate is deleted without.
func (c *carrier) fence(ctx context.Context, rep report.Reporter) error {
	c.state = stateOf(c.image)
	if c.image.Status != glance.StatusActive {
		return nil
	}
	c.undo.Add("the deactivation", c.release)
	fenced, err := c.site.Images.Update(ctx, c.image.ID, glance.Patch{}.Set(releasingKey, c.image.Status))
	if err != nil {
		return c.back(ctx, err)
	}
	err = c.site.Images.Deactivate(ctx, c.image.ID)
	switch {
	case fault.Is(err, fault.Forbidden):
		rep.Warn("image %s can't be deactivated before it is deleted: %v", c.image, err)
	case err != nil:
		return c.back(ctx, err)
	default:
		fenced.Status = glance.StatusDeactivated
	}
	c.state = stateOf(fenced)
	return nil
}

// remove deletes the image, unless something uses it by now. If its store knows of clones, the image becomes
// active again.
func (c *carrier) remove(ctx context.Context, survey Survey, rep report.Reporter) error {
	if err := c.plan.unused(ctx, survey, c.image); err != nil {
		return c.back(ctx, err)
	}
	if err := ctx.Err(); err != nil {
		return c.back(ctx, err)
	}
	now, err := c.site.Images.Image(ctx, c.image.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		return skip{"it no longer exists"}
	case err != nil:
		return c.back(ctx, err)
	case stateOf(now) != c.state:
		return c.back(ctx, skip{"it has changed meanwhile"})
	}
	rep.Step("Image %s: %s", c.image, Delete)
	err = c.site.Images.Delete(ctx, c.image.ID)
	if fault.Is(err, fault.Conflict) {
		err = skip{"its store says that it is in use: " + err.Error()}
	}
	if err != nil {
		return c.back(ctx, err)
	}
	return nil
}

// back makes the image active again, and returns why.
func (c *carrier) back(ctx context.Context, why error) error {
	skipped, isSkip := errors.AsType[skip](why)
	_, err := c.undo.TakeBack(ctx, why, fault.Advise("run it again: the next run reactivates image %s", c.image.ID))
	switch {
	case isSkip && fault.Is(err, fault.Partial):
		return fmt.Errorf("the image stays deactivated: %w", hardened{err})
	case isSkip:
		return skipped
	}
	return err
}

// hardened is an error that hides the skip that it began with.
type hardened struct{ error }

// release takes a fence down.
func (c *carrier) release(ctx context.Context) (bool, error) {
	now, err := c.site.Images.Image(ctx, c.image.ID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	was, fenced := now.Properties[releasingKey]
	if !fenced {
		return false, nil
	}
	if was == glance.StatusActive && now.Status == glance.StatusDeactivated {
		if err := c.site.Images.Reactivate(ctx, c.image.ID); err != nil {
			return false, err
		}
	}
	_, err = c.site.Images.Update(ctx, c.image.ID, glance.Patch{}.Remove(releasingKey))
	return err == nil, err
}
