package retention

import (
	"context"
	"maps"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// PlanRestore plans to make images what they were before retention first changed them: status, visibility,
// members, whether they are hidden. letGo leaves out the property that keeps policies away from them from
// then on.
func PlanRestore(ctx context.Context, site Site, images []string, letGo bool) (*Changes, error) {
	found, err := site.named(ctx, images)
	if err != nil {
		return nil, err
	}
	plan := &Changes{}
	for _, img := range found {
		b := beforeOf(img)
		if b == nil && img.Properties[releasingKey] == "" {
			plan.items = append(plan.items, &item{image: img, note: "retention has not changed it"})
			continue
		}
		r := &restoring{site: site, id: img.ID, keep: !letGo}
		plan.items = append(plan.items, &item{image: img, action: "restore", note: r.note(img, b), do: r.do})
	}
	return plan, nil
}

// restoring is the way back of one image.
type restoring struct {
	site Site
	id   string
	keep bool
}

// note says what the image becomes.
func (r *restoring) note(img *glance.Image, b *before) string {
	if b == nil {
		return "reactivated: a run that died deactivated it"
	}
	text := b.Visibility
	if b.Hidden {
		text += ", hidden"
	}
	if b.Status != img.Status {
		text += ", " + b.Status
	}
	return text
}

// do makes the image active, then visible, and removes what retention wrote at last, so that a run which dies
// can be repeated.
func (r *restoring) do(ctx context.Context, rep report.Reporter) error {
	img, err := r.site.Images.Image(ctx, r.id)
	if err != nil {
		return err
	}
	b := beforeOf(img)
	status := img.Properties[releasingKey]
	if b != nil {
		status = b.Status
	}
	if status == glance.StatusActive && img.Status == glance.StatusDeactivated {
		if err := r.site.Images.Reactivate(ctx, r.id); err != nil {
			return err
		}
	}
	patch := glance.Patch{}
	if b != nil {
		if img.Visibility != b.Visibility {
			patch = patch.Visibility(b.Visibility)
		}
		if img.Hidden != b.Hidden {
			patch = patch.Hidden(b.Hidden)
		}
		if len(patch) > 0 {
			if img, err = r.site.Images.Update(ctx, r.id, patch); err != nil {
				return err
			}
		}
		if err := r.members(ctx, b, rep); err != nil {
			return err
		}
	}
	_, err = r.site.Images.Update(ctx, r.id, r.clean(img, b))
	return err
}

// clean removes what retention wrote.
func (r *restoring) clean(img *glance.Image, b *before) glance.Patch {
	patch := glance.Patch{}
	for _, key := range []string{StageKey, StageAtKey, PolicyKey, BeforeKey, releasingKey, ReplacedByKey} {
		if _, ok := img.Properties[key]; !ok {
			continue
		}
		if key == ReplacedByKey && b != nil && b.Replaced != nil {
			patch = patch.Set(key, *b.Replaced)
			continue
		}
		patch = patch.Remove(key)
	}
	if r.keep {
		patch = patch.Set(KeepKey, "true")
	}
	return patch
}

// members adds those that were lost. The service keeps members of an image that is made private, so there are
// none unless somebody removed them.
func (r *restoring) members(ctx context.Context, b *before, rep report.Reporter) error {
	if b.Visibility != glance.Shared || len(b.Members) == 0 {
		return nil
	}
	now, err := r.site.Images.Members(ctx, r.id)
	if err != nil {
		return err
	}
	is := map[string]string{}
	for _, m := range now {
		is[m.ProjectID] = m.Status
	}
	for _, project := range slices.Sorted(maps.Keys(b.Members)) {
		was := b.Members[project]
		if is[project] == was {
			continue
		}
		if is[project] == "" {
			if err := r.site.Images.AddMember(ctx, r.id, project); err != nil {
				return err
			}
			is[project] = glance.Pending
		}
		if is[project] == was {
			continue
		}
		var err error
		if r.site.Admin {
			err = r.site.Images.SetMemberStatus(ctx, r.id, project, was)
		}
		switch {
		case !r.site.Admin || fault.Is(err, fault.Forbidden):
			rep.Warn("member %s was %s and is %s: only its project can change that", project, was, is[project])
		case err != nil:
			return err
		}
	}
	return nil
}
