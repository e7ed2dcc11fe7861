package usage

import (
	"context"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Found is an image that was asked for, and who uses it.
type Found struct {
	Image *glance.Image
	// Gone says that no image has the id. Servers can still have been booted from it.
	Gone bool
	Uses []Use

	sole string // the id of the only project that can use it, "" if others can
}

// Report is who uses some images.
type Report struct {
	Images []Found // in the order in which they were asked for, newest first for a name
	Index  *Index
}

// Find tells who uses the images, which are given by their ids or exact names. A name stands for all images that
// have it, in whatever project; one that no image has is fault.NotFound.
func Find(ctx context.Context, clouds []*cloud.Cloud, images []string, o Options) (*Report, error) {
	if len(images) == 0 || slices.ContainsFunc(images, func(i string) bool { return strings.TrimSpace(i) == "" }) {
		return nil, fault.New(fault.Usage, "give the id or the name of an image", "an image's name is empty")
	}
	var found []*glance.Image
	each, restart := o.EachImage, o.Restart
	o.Restart = func() {
		found = nil
		if restart != nil {
			restart()
		}
	}
	o.EachImage = func(i *glance.Image) {
		if slices.ContainsFunc(images, func(asked string) bool { return names(asked, i) }) {
			found = append(found, i)
		}
		if each != nil {
			each(i)
		}
	}
	index, err := Collect(ctx, clouds, o)
	if err != nil {
		return nil, err
	}
	glance.NewestFirst(found)
	r := &Report{Index: index}
	for _, asked := range images {
		of := slices.DeleteFunc(slices.Clone(found), func(i *glance.Image) bool { return !names(asked, i) })
		if len(of) == 0 {
			gone, err := index.unlisted(asked)
			if err != nil {
				return nil, err
			}
			r.Images = append(r.Images, gone)
		}
		for _, i := range of {
			if !slices.ContainsFunc(r.Images, func(f Found) bool { return f.Image.ID == i.ID }) {
				r.Images = append(r.Images, Found{Image: i, Uses: index.Of(i)})
			}
		}
	}
	return r, r.soles(ctx, clouds[0])
}

// soles finds out which images only one project can use, if a source shows only one's objects.
func (r *Report) soles(ctx context.Context, from *cloud.Cloud) error {
	if !slices.ContainsFunc(r.Index.sources, func(s Source) bool { return s.State == Limited }) {
		return nil
	}
	sc, err := from.Image()
	if err != nil {
		return err
	}
	for n := range r.Images {
		if f := &r.Images[n]; !f.Gone {
			f.sole = Sole(ctx, glance.New(sc), f.Image.ID, f.Image.Owner, ReachOf(f.Image))
		}
	}
	return nil
}

func names(asked string, i *glance.Image) bool {
	return asked == i.Name || glance.IsID(asked) && strings.EqualFold(asked, i.ID)
}

// unlisted is an image that no list has: one that is gone, if it was asked for by its id.
func (x *Index) unlisted(asked string) (Found, error) {
	if glance.IsID(asked) {
		img := &glance.Image{ID: key(asked)}
		return Found{Image: img, Gone: true, Uses: x.Of(img)}, nil
	}
	for _, s := range x.sources {
		if s.Name == Images && s.State != Read && s.State != Limited {
			return Found{}, fault.New(fault.Unavailable, "give the image's id", "can't look up image %q: %s", asked, s.Detail)
		}
	}
	return Found{}, fault.New(fault.NotFound, "check the name, and whose images these credentials see", "no image is called %q", asked)
}
