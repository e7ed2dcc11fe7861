package share

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// take is everything that removes access. A failure doesn't stop the rest.
func (r *run) take(ctx context.Context) error {
	var group errgroup.Group
	group.SetLimit(r.plan.parallel)
	errs := make([]error, len(r.plan.Changes))
	var left, gone atomic.Int64
	for n, c := range r.plan.Changes {
		group.Go(func() error {
			errs[n] = r.reduce(ctx, c, &left, &gone)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	err := errors.Join(errs...)
	if err == nil || gone.Load() == 0 && r.done.Load() == 0 {
		return err
	}
	return fault.Wrap(fault.Partial, "run it again to finish it", fmt.Errorf("%s made, %d left: %w",
		count(int(gone.Load()+r.done.Load()), "change"), left.Load(), err))
}

func (r *run) reduce(ctx context.Context, c *Change, left, gone *atomic.Int64) error {
	losing := c.losing()
	if len(losing) > 0 {
		r.rep.Step("Image %s: removing %s", c.Image, count(len(losing), "project"))
	}
	var group errgroup.Group
	group.SetLimit(requests)
	errs := make([]error, len(losing))
	for n, m := range losing {
		group.Go(func() error {
			if errs[n] = c.site.Images.RemoveMember(ctx, c.Image.ID, m.Project); errs[n] != nil {
				left.Add(1)
				m.stays(errs[n])
			} else {
				gone.Add(1)
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if err := errors.Join(errs...); err != nil {
		return err
	}
	patch, err := c.closing()
	if err != nil || len(patch) == 0 {
		return err
	}
	img, err := c.site.Images.Update(ctx, c.Image.ID, patch)
	if err != nil {
		left.Add(1)
		if c.Visibility == glance.Private {
			c.Visibility = c.was
			for n := range c.Members {
				c.Members[n].stays(err)
			}
		}
		return err
	}
	gone.Add(1)
	c.Image, c.dated = img, false
	return nil
}

// stays says that a member couldn't be changed.
func (m *Member) stays(err error) {
	m.After, m.Note = m.Before, notes(m.Note, err.Error())
}

// closing is what is written on the image after its members were removed.
func (c *Change) closing() (patch glance.Patch, err error) {
	if c.dated {
		if patch, err = c.expires.patch(patch, hasProperty(c.Image, ExpiresKey)); err != nil {
			return nil, err
		}
	}
	if c.Visibility != glance.Private {
		return patch, nil
	}
	kept := map[string]string{}
	for _, m := range c.Members {
		kept[m.Project] = m.Before
	}
	patch, err = setJSON(patch, SuspendedKey, kept)
	return patch.Visibility(glance.Private), err
}

func hasProperty(img *glance.Image, key string) bool {
	_, ok := img.Properties[key]
	return ok
}
