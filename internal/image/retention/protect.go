package retention

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// PlanProtect plans to protect images from deletion, or with release to end that. Only protection that
// retention put on an image is ever taken off.
func PlanProtect(ctx context.Context, site Site, images []string, release bool) (*Changes, error) {
	found, err := site.named(ctx, images)
	if err != nil {
		return nil, err
	}
	plan := &Changes{}
	for _, img := range found {
		plan.items = append(plan.items, protecting(site, img, !release, "as asked"))
	}
	return plan, nil
}

// PlanProtectUsed plans to protect the policy's images that are in use, and no others: protection that
// retention put on an image that is no longer in use is taken off.
func PlanProtectUsed(ctx context.Context, site Site, p *Policy) (*Changes, error) {
	plan, err := NewPlan(ctx, site, p)
	if err != nil {
		return nil, err
	}
	if err := plan.complete(); err != nil {
		return nil, err
	}
	changes := &Changes{}
	for _, e := range plan.Images {
		img, err := site.Images.Image(ctx, e.ID)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		used := len(e.Users) > 0
		why := "it is not in use"
		if used {
			why = "in use by " + list(e.Users)
		}
		if i := protecting(site, img, used, why); i.do != nil {
			changes.items = append(changes.items, i)
		}
	}
	return changes, nil
}

// protecting is what has to be done for an image to be protected, or not.
func protecting(site Site, img *glance.Image, want bool, why string) *item {
	i := &item{image: img, note: why}
	ours := img.Properties[ProtectedKey] == "true"
	switch {
	case want && img.Protected:
		i.note = "it is protected already"
		return i
	case !want && !img.Protected:
		i.note = "it is not protected"
		return i
	case !want && !ours:
		i.note = "somebody else has protected it"
		return i
	}
	i.action = map[bool]string{true: "protect", false: "release"}[want]
	i.do = func(ctx context.Context, _ report.Reporter) error {
		now, err := site.Images.Image(ctx, img.ID)
		if err != nil {
			return err
		}
		if now.Protected != img.Protected {
			return errors.New("somebody has changed its protection meanwhile")
		}
		patch := glance.Patch{}.Protected(want)
		if want {
			patch = patch.Set(ProtectedKey, "true")
		} else {
			patch = patch.Remove(ProtectedKey)
		}
		_, err = site.Images.Update(ctx, img.ID, patch)
		return err
	}
	return i
}
