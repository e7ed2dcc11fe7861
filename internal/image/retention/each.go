package retention

import (
	"context"
	"errors"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Changes is a plan of one change for each of some images: restoring or protecting them.
type Changes struct {
	items []*item
}

// item is what happens to one image; without do, nothing.
type item struct {
	image  *glance.Image
	action string
	note   string
	do     func(ctx context.Context, rep report.Reporter) error

	outcome string
}

// Done reports whether there is nothing to change.
func (c *Changes) Done() bool {
	for _, i := range c.items {
		if i.do != nil {
			return false
		}
	}
	return true
}

// Loss is nothing.
func (c *Changes) Loss() string { return "" }

// Notes are none.
func (c *Changes) Notes() []fault.Advice { return nil }

// Rows are an image each.
func (c *Changes) Rows() []change.Row {
	rows := make([]change.Row, 0, len(c.items))
	for _, i := range c.items {
		rows = append(rows, change.Row{
			{Key: "image_id", Value: i.image.ID},
			{Key: "image", Value: i.image.Name},
			{Key: "action", Value: i.action},
			{Key: "note", Value: i.note},
			{Key: "outcome", Value: i.outcome},
		})
	}
	return rows
}

// Apply changes one image after the other. One that fails doesn't stop the others.
func (c *Changes) Apply(ctx context.Context, rep report.Reporter) error {
	var errs []error
	for _, i := range c.items {
		if i.do == nil {
			continue
		}
		err := ctx.Err()
		if err == nil {
			rep.Step("Image %s: %s", i.image, i.action)
			err = i.do(ctx, rep)
		}
		i.outcome = Done
		if err != nil {
			i.outcome = Failed
			errs = append(errs, fmt.Errorf("%s %s: %w", i.action, i.image, err))
		}
	}
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(fault.Cancelled, "run it again for the rest", errors.Join(context.Cause(ctx), errors.Join(errs...)))
	case len(errs) == 1 && len(c.items) == 1:
		return errs[0]
	case len(errs) > 0:
		return fault.Wrap(fault.Partial, "fix the causes, then run it again", errors.Join(errs...))
	}
	return nil
}

// named are the images that a person means: by id, or by the exact name of one image of the project.
func (s Site) named(ctx context.Context, images []string) ([]*glance.Image, error) {
	found := make([]*glance.Image, 0, len(images))
	for _, text := range images {
		if text == "" {
			return nil, fault.Bad("IMAGE", "give an id or a name", "it is empty")
		}
		id, err := s.Images.Named(ctx, s.Project, text)
		if err != nil {
			return nil, err
		}
		img, err := s.Images.Image(ctx, id)
		if err != nil {
			return nil, err
		}
		found = append(found, img)
	}
	return found, nil
}
