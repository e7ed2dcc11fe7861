package worker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Current are the images of the site that workers have built and that are current, and Since tells since when.
func Current(ctx context.Context, site promote.Site) ([]*glance.Image, error) {
	all, err := site.Images.Images(ctx, glance.Query{Owner: site.Project})
	if err != nil {
		return nil, fmt.Errorf("looking for current images: %w", err)
	}
	return slices.DeleteFunc(all, func(i *glance.Image) bool {
		p := i.Properties
		return p[ImageKey] == "" || p[promote.PromotedKey] == "" || p[promote.ArchivedFromKey] != ""
	}), nil
}

// Since is when an image became current.
func Since(i *glance.Image) time.Time {
	at, _ := time.Parse(time.RFC3339, i.Properties[promote.PromotedKey])
	return at
}
