package retention

import (
	"cmp"
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// maxHops limits how many replacements are followed.
const maxHops = 100

// Resolve is the image to use instead of one that a person names by id or name: itself, or what the
// replacements that are written on the images lead to. via are the images on the way, the named one first.
func Resolve(ctx context.Context, site Site, image string) (found *glance.Image, via []*glance.Image, err error) {
	if image == "" {
		return nil, nil, fault.Bad("IMAGE", "give an id or a name", "it is empty")
	}
	found, err = site.current(ctx, image)
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for {
		seen[found.ID] = true
		next := cmp.Or(found.Properties[ReplacedByKey], found.Properties[promote.ArchivedByKey])
		if next == "" {
			return found, via, usable(found)
		}
		if seen[next] || len(via) == maxHops {
			return nil, via, fault.New(fault.Conflict, fault.Advise("set property %s of one of them anew", ReplacedByKey),
				"the replacements of image %s go in a circle", found)
		}
		via = append(via, found)
		by, err := site.Images.Image(ctx, next)
		if fault.Is(err, fault.NotFound) {
			return nil, via, fault.New(fault.NotFound, fault.Advise("set property %s to an image that exists", ReplacedByKey),
				"image %s is replaced by %s, which does not exist or is not visible to this project", found, next)
		}
		if err != nil {
			return nil, via, err
		}
		found = by
	}
}

// usable is an error if nobody can boot from the image.
func usable(img *glance.Image) error {
	if img.Status == glance.StatusActive {
		return nil
	}
	return fault.New(fault.Conflict, fault.Advise("restore it with %s, or name its replacement in its property %s",
		fault.Do("retention", "restore", img.ID), ReplacedByKey), "image %s is %s, and nothing replaces it", img, img.Status)
}

// current is the image of an id, or the one that is current under a name. Of several, one that is not in a stage
// is preferred.
func (s Site) current(ctx context.Context, image string) (*glance.Image, error) {
	if glance.IsID(image) {
		return s.Images.Image(ctx, image)
	}
	var all []*glance.Image
	for _, q := range []glance.Query{
		{Name: image, BothHidden: true}, {Properties: map[string]string{promote.CurrentKey: image}, BothHidden: true},
	} {
		found, err := s.Images.Images(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	for _, prefer := range []func(*glance.Image) bool{
		func(i *glance.Image) bool { return i.Properties[promote.CurrentKey] == image },
		func(i *glance.Image) bool { return i.Status == glance.StatusActive && StageOf(i) == "" && !i.Hidden },
		func(i *glance.Image) bool { return i.Owner == s.Project },
	} {
		if some := only(all, prefer); len(some) > 0 {
			all = some
		}
	}
	glance.NewestFirst(all)
	img, err := glance.Only(all, "named "+image, fault.Advise("check the name"), fault.Advise("give the id of one"))
	return img, errors.Join(err)
}

func only(all []*glance.Image, prefer func(*glance.Image) bool) (some []*glance.Image) {
	for _, img := range all {
		if prefer(img) {
			some = append(some, img)
		}
	}
	return some
}
