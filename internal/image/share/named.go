package share

import (
	"cmp"
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Named is an image as people may call it.
type Named struct{ ID, Name string }

// Owned are the images of a cloud's project, for completion.
func Owned(ctx context.Context, clouds Clouds, from string) ([]Named, error) {
	site, err := clouds(ctx, from)
	if err != nil {
		return nil, err
	}
	images, err := site.Images.Images(ctx, glance.Query{Owner: site.Project.ID, BothHidden: true})
	return named(images), err
}

// Offered are the images that others share with clouds' projects, for completion; without a cloud it
// is the default one.
func Offered(ctx context.Context, clouds Clouds, to []string) ([]Named, error) {
	if len(to) == 0 {
		to = []string{""}
	}
	sites, err := open(ctx, clouds, to)
	if err != nil {
		return nil, err
	}
	var all []Named
	for _, site := range sites {
		images, err := offers(ctx, site, glance.Query{})
		if err != nil {
			return nil, err
		}
		all = append(all, named(images)...)
	}
	return all, nil
}

func named(images []*glance.Image) []Named {
	out := make([]Named, len(images))
	for n, i := range images {
		out[n] = Named{i.ID, cmp.Or(i.Name, i.ID)}
	}
	return out
}
