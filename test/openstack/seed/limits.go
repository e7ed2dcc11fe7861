package main

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/registeredlimits"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/services"
)

// imageLimits are what Glance asks Keystone about: for every project, and for the project small. Sizes
// are in MiB.
var imageLimits = []struct {
	name       string
	all, small int
}{
	{"image_size_total", 2000, 1},
	{"image_stage_total", 2000, 1},
	{"image_count_total", 100, 3},
	{"image_count_uploading", 20, 2},
}

// seedLimits registers the limits of images and lowers them for the project small.
func seedLimits(ctx context.Context, admin *gophercloud.ProviderClient, region string) error {
	client, err := openstack.NewIdentityV3(admin, gophercloud.EndpointOpts{Region: region})
	if err != nil {
		return err
	}
	page, err := services.List(client, services.ListOpts{ServiceType: "image"}).AllPages(ctx)
	if err != nil {
		return err
	}
	found, err := services.ExtractServices(page)
	if err != nil {
		return err
	}
	page, err = projects.List(client, projects.ListOpts{Name: "small"}).AllPages(ctx)
	if err != nil {
		return err
	}
	small, err := projects.ExtractProjects(page)
	if err != nil {
		return err
	}
	if len(found) != 1 || len(small) != 1 {
		return fmt.Errorf("want one image service and one project small, have %d and %d", len(found), len(small))
	}
	var registered registeredlimits.BatchCreateOpts
	var own limits.BatchCreateOpts
	for _, l := range imageLimits {
		registered = append(registered, registeredlimits.CreateOpts{
			RegionID: region, ServiceID: found[0].ID, ResourceName: l.name,
			DefaultLimit: l.all,
		})
		own = append(own, limits.CreateOpts{
			RegionID: region, ServiceID: found[0].ID, ProjectID: small[0].ID, ResourceName: l.name,
			ResourceLimit: l.small,
		})
	}
	if err := registeredlimits.BatchCreate(ctx, client, registered).Err; err != nil && !gophercloud.ResponseCodeIs(err, 409) {
		return fmt.Errorf("registered limits: %w", err)
	}
	if err := limits.BatchCreate(ctx, client, own).Err; err != nil && !gophercloud.ResponseCodeIs(err, 409) {
		return fmt.Errorf("limits of project %q: %w", "small", err)
	}
	return nil
}
