package share

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// What to take where several images match.
const (
	Newest = "newest"
	All    = "all"
)

// Selection chooses images. Images, if any, name them one by one; all other fields must match.
type Selection struct {
	Images     []string // ids or exact names
	Glob       string   // over the whole name; * is any characters, ? is one
	Tags       []string
	Properties map[string]string
	Pick       string // of several that match: Newest, All, or "", which makes that an error
}

func (s Selection) empty() bool {
	return len(s.Images) == 0 && s.Glob == "" && len(s.Tags) == 0 && len(s.Properties) == 0
}

// blank is an error if a value is empty, as that of an unset variable is: it must not mean any image.
func (s Selection) blank() error {
	return errors.Join(
		noneBlank("image", s.Images), noneBlank("tag", s.Tags), noneBlank("property", slices.Collect(maps.Keys(s.Properties))),
	)
}

// noneBlank is an error if one of an option's values is empty.
func noneBlank(option string, values []string) error {
	if slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" }) {
		return fault.Bad(option, "give a value, or leave it out", "it is empty")
	}
	return nil
}

// String describes the selection, such as `image "web-base" with tag "ci"`.
func (s Selection) String() string {
	var parts []string
	for _, i := range s.Images {
		parts = append(parts, fmt.Sprintf("id or name %q", i))
	}
	if s.Glob != "" {
		parts = append(parts, fmt.Sprintf("a name like %q", s.Glob))
	}
	for _, t := range s.Tags {
		parts = append(parts, fmt.Sprintf("tag %q", t))
	}
	for _, k := range sortedKeys(s.Properties) {
		parts = append(parts, fmt.Sprintf("property %s=%q", k, s.Properties[k]))
	}
	return strings.Join(parts, ", ")
}

// label is what rows call the selection: the id or name as it was given, where it is one image.
func (s Selection) label() string {
	if len(s.Images) == 1 {
		return s.Images[0]
	}
	return s.String()
}

// resolve finds the selected images of the site's own project. A name or filter that matches none is
// fault.NotFound; one that matches several is fault.Ambiguous unless Pick says what to take.
func (s Selection) resolve(ctx context.Context, site *Tenancy) ([]*glance.Image, error) {
	images, failed, err := s.resolvePartly(ctx, site)
	if err == nil && len(failed) > 0 {
		err = failed[0].Err
	}
	if err != nil {
		return nil, err
	}
	return images, nil
}

// resolvePartly is resolve, where an image that fails doesn't stop the others.
func (s Selection) resolvePartly(ctx context.Context, site *Tenancy) ([]*glance.Image, []Failure, error) {
	return s.partly(ctx, func(ctx context.Context, one string) ([]*glance.Image, error) { return s.owned(ctx, site, one) },
		fmt.Sprintf("of project %q (%s) on %s", site.Project.Name, site.Project.ID, site))
}

// partly resolves the images at once with find, which gets "" if only filters count. An image that fails doesn't stop
// the others. The error is of the selection itself.
func (s Selection) partly(ctx context.Context, find func(ctx context.Context, one string) ([]*glance.Image, error),
	where string,
) ([]*glance.Image, []Failure, error) {
	if err := s.valid(); err != nil {
		return nil, nil, err
	}
	each := s.each()
	found, errs := make([][]*glance.Image, len(each)), make([]error, len(each))
	var group errgroup.Group
	group.SetLimit(requests)
	for n, only := range each {
		group.Go(func() error {
			if found[n], errs[n] = find(ctx, strings.Join(only.Images, "")); errs[n] == nil {
				found[n], errs[n] = only.pick(found[n], where)
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return nil, nil, errors.Join(context.Cause(ctx), errors.Join(errs...))
	}
	var failed []Failure
	for n, err := range errs {
		if err == nil {
			continue
		}
		f := Failure{State: Unplanned, Image: each[n].label(), Err: err}
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Ambiguous) {
			f.State = NoImage
		}
		found[n], failed = nil, append(failed, f)
	}
	return distinct(slices.Concat(found...)), failed, nil
}

// each is a selection for each image that is named, or the one selection by filters alone.
func (s Selection) each() []Selection {
	if len(s.Images) == 0 {
		return []Selection{s}
	}
	var all []Selection
	for _, one := range s.Images {
		only := s
		only.Images = []string{one}
		all = append(all, only)
	}
	return all
}

// valid is an error if the selection chooses nothing, or says so in a wrong way.
func (s Selection) valid() error {
	if err := s.blank(); err != nil {
		return err
	}
	if s.empty() {
		return fault.New(fault.Usage, "name an image, or filter by name, tag or property", "no image is chosen")
	}
	switch s.Pick {
	case "", Newest, All:
		return nil
	}
	return fault.New(fault.Usage, "use newest or all", "which image to pick: %q is unknown", s.Pick)
}

func distinct(images []*glance.Image) []*glance.Image {
	seen := map[string]bool{}
	return slices.DeleteFunc(images, func(i *glance.Image) bool {
		again := seen[i.ID]
		seen[i.ID] = true
		return again
	})
}

// owned are the site's own images that match; one is an id, a name, or "" for any.
func (s Selection) owned(ctx context.Context, site *Tenancy, one string) ([]*glance.Image, error) {
	if glance.IsID(one) {
		img, err := site.Images.Image(ctx, one)
		switch {
		case err == nil && img.Owner != site.Project.ID:
			return nil, fault.New(fault.Forbidden, "use the credentials of that project",
				"image %s belongs to project %s, the credentials of %s to project %s", img, img.Owner, site, site.Project.ID)
		case err == nil:
			return s.filter([]*glance.Image{img}), nil
		case !fault.Is(err, fault.NotFound):
			return nil, err
		}
	}
	images, err := site.Images.Images(ctx, glance.Query{
		Owner: site.Project.ID, Name: one, Visibility: "all", BothHidden: true, Tags: s.Tags, Properties: s.Properties,
	})
	return s.filter(images), err
}

// filter keeps usable images, and applies the conditions that the service's filters can't express.
func (s Selection) filter(images []*glance.Image) []*glance.Image {
	name := glance.Glob(s.Glob)
	return slices.DeleteFunc(images, func(i *glance.Image) bool {
		if i.Status != glance.StatusActive && i.Status != glance.StatusDeactivated || s.Glob != "" && !name.MatchString(i.Name) {
			return true
		}
		for k, v := range s.Properties {
			if i.Properties[k] != v {
				return true
			}
		}
		return slices.ContainsFunc(s.Tags, func(t string) bool { return !slices.Contains(i.Tags, t) })
	})
}

func (s Selection) pick(images []*glance.Image, where string) ([]*glance.Image, error) {
	glance.NewestFirst(images)
	switch {
	case s.Pick == All && len(images) > 0:
		return images, nil
	case s.Pick == Newest && len(images) > 0:
		return images[:1], nil
	}
	img, err := glance.Only(images, fmt.Sprintf("with %s %s", s, where),
		fault.Advise("check it, and that the image is active"),
		fault.Advise("give an id, or set %s or %s", fault.Set("pick", Newest), fault.Set("pick", All)))
	if err != nil {
		return nil, err
	}
	return []*glance.Image{img}, nil
}
