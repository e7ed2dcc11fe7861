package share

import (
	"cmp"
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// SuspendOptions say which images to suspend or resume.
type SuspendOptions struct {
	Selection
	From     string // cloud of the images; "" is the default one
	Parallel int    // images at a time; default 4
}

// PlanSuspend plans to make images private: only their own project has access until they are resumed. The
// service keeps the members but doesn't list them while the image is private, so they are saved on the
// image.
func PlanSuspend(ctx context.Context, clouds Clouds, o SuspendOptions) (*Plan, error) {
	return planEach(ctx, clouds, o, func(ctx context.Context, site *Tenancy, img *glance.Image) (*Change, error) {
		c := newChange(site, img)
		switch img.Visibility {
		case glance.Private:
			return c, nil
		case glance.Shared:
		default:
			return nil, fault.New(fault.Conflict, "", "image %s is %s: suspending is for shared images", img, img.Visibility)
		}
		members, err := site.Images.Members(ctx, img.ID)
		if err != nil {
			return nil, err
		}
		c.Visibility = glance.Private
		for _, m := range members {
			c.Members = append(c.Members, Member{
				Project: m.ProjectID, Name: site.nameOf(ctx, m.ProjectID), Before: m.Status,
				After: Dormant,
			})
		}
		return c, nil
	})
}

// PlanResume plans to make suspended images shared again, with the members they kept.
func PlanResume(ctx context.Context, clouds Clouds, o SuspendOptions) (*Plan, error) {
	return planEach(ctx, clouds, o, func(ctx context.Context, site *Tenancy, img *glance.Image) (*Change, error) {
		c := newChange(site, img)
		switch img.Visibility {
		case glance.Shared:
			return c, nil
		case glance.Private:
		default:
			return nil, fault.New(fault.Conflict, "", "image %s is %s: resuming is for private images that were shared", img,
				img.Visibility)
		}
		kept, _, err := suspendedOf(img)
		if err != nil {
			return nil, err
		}
		c.Visibility, c.resume = glance.Shared, true
		for _, id := range sortedKeys(kept) {
			c.Members = append(c.Members, Member{Project: id, Name: site.nameOf(ctx, id), Before: Dormant, After: kept[id]})
		}
		return c, nil
	})
}

// planEach plans for each image by itself: one that fails is left out, and Apply reports it.
func planEach(ctx context.Context, clouds Clouds, o SuspendOptions, plan func(context.Context, *Tenancy, *glance.Image) (*Change,
	error),
) (*Plan, error) {
	site, err := clouds(ctx, o.From)
	if err != nil {
		return nil, err
	}
	images, failed, err := o.resolvePartly(ctx, site)
	if err != nil {
		return nil, err
	}
	p := &Plan{parallel: cmp.Or(o.Parallel, defaultParallel), Failed: failed}
	if err := p.each(ctx, images, func(ctx context.Context, img *glance.Image) (*Change, error) {
		return plan(ctx, site, img)
	}); err != nil {
		return nil, err
	}
	return p.unlessAllFailed()
}

// nameOf is a project's name, if the credentials may query Keystone.
func (s *Tenancy) nameOf(ctx context.Context, id string) string {
	p, err := s.project(ctx, id)
	if err != nil {
		return ""
	}
	return p.Name
}
