// Package newest is somebody's program that uses OpenStack; its test shows how to try it on the sandbox.
package newest

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
)

// Image returns the newest active image of a name. A list that fails is asked for once more.
func Image(ctx context.Context, client *gophercloud.ServiceClient, name string) (*images.Image, error) {
	opts := images.ListOpts{Name: name, Status: images.ImageStatusActive, Sort: "created_at:desc", Limit: 1}
	pages, err := images.List(client, opts).AllPages(ctx)
	if err != nil {
		pages, err = images.List(client, opts).AllPages(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("listing images named %q: %w", name, err)
	}
	found, err := images.ExtractImages(pages)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no image is named %q", name)
	}
	return &found[0], nil
}
