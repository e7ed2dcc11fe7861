package share

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// A copy that is being made shows heartbeats: its image is changed every so often.
const (
	beatKey   = "imgctl_copying_beat" // how often it was changed
	beatEvery = 5 * time.Second
	deadAfter = 4 * beatEvery // without a heartbeat, by the service's clock
)

// beat shows heartbeats while an image is uploaded, until stop is called.
func (r *run) beat(ctx context.Context, c *Copy, id string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		for n := 1; change.Sleep(ctx, beatEvery); n++ {
			// One that fails is made up for by the next.
			_, _ = c.to.Images.Update(ctx, id, glance.Patch{}.Set(beatKey, strconv.Itoa(n)))
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

// settleOthers removes what dead runs left of the same copy. It waits for a run that is at it: done
// says that the copy is made meanwhile.
func (r *run) settleOthers(ctx context.Context, c *Copy) (done bool, err error) {
	told := false
	for {
		living, err := r.removeDead(ctx, c)
		if err != nil || !living {
			return false, err
		}
		if !told {
			r.rep.Step("Another run is copying image %s to %s; waiting for it to end", c.Image, c.to)
			told = true
		}
		if !change.Sleep(ctx, beatEvery) {
			return false, context.Cause(ctx)
		}
		made, err := finishedCopies(ctx, c.from, c.to, c.Image)
		if err != nil {
			return false, err
		}
		if len(made) > 0 {
			c.Made = made[0].ID
			return true, nil
		}
	}
}

// removeDead removes the copies of dead runs, and reports whether one is alive.
func (r *run) removeDead(ctx context.Context, c *Copy) (living bool, err error) {
	found, err := c.to.Images.Images(ctx, glance.Query{
		Owner: c.to.Project.ID, Visibility: "all", BothHidden: true, Properties: map[string]string{CopyingKey: origin(c.from, c.Image)},
	})
	if err != nil {
		return false, err
	}
	found = slices.DeleteFunc(found, func(i *glance.Image) bool { return !cloud.Run(i.Properties[cloud.RunKey]).Valid() })
	for _, img := range found {
		now, at, err := c.to.Images.ImageAt(ctx, img.ID)
		switch {
		case fault.Is(err, fault.NotFound), err == nil && now.Properties[CopyingKey] == "":
			continue // it was removed, or finished
		case err != nil:
			return false, err
		case at.Sub(now.UpdatedAt) < deadAfter:
			living = true
			continue
		}
		r.rep.Step("Removing image %s, an unfinished copy that run %s left", now, now.Properties[cloud.RunKey])
		if err := c.to.Images.Delete(ctx, img.ID); err != nil {
			return false, err
		}
	}
	return living, nil
}

// finishedCopies are those of the image's data that the project on the other cloud has.
func finishedCopies(ctx context.Context, from, to *Tenancy, img *glance.Image) ([]*glance.Image, error) {
	return to.Images.Images(ctx, glance.Query{
		Owner: to.Project.ID, Visibility: "all", BothHidden: true, Status: glance.StatusActive,
		Properties: map[string]string{SourceKey: origin(from, img)},
	})
}
