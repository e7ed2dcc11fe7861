package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/provider"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

func seedFlavors(ctx context.Context, admin *gophercloud.ProviderClient) error {
	client, err := openstack.NewComputeV2(admin, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		return err
	}
	for _, f := range []struct {
		id, name  string
		ram, disk int
	}{{"1", "m1.tiny", 192, 1}, {"2", "m1.small", 512, 3}, {"3", "m1.medium", 1024, 8}} {
		opts := flavors.CreateOpts{ID: f.id, Name: f.name, RAM: f.ram, VCPUs: 1, Disk: &f.disk}
		if _, err := flavors.Create(ctx, client, opts).Extract(); err != nil && !gophercloud.ResponseCodeIs(err, 409) {
			return fmt.Errorf("flavor %q: %w", f.name, err)
		}
	}
	return nil
}

// seedNetwork makes the one network, shared by all projects; its addresses begin with the three
// numbers in GUEST_NETWORK.
func seedNetwork(ctx context.Context, admin *gophercloud.ProviderClient) error {
	client, err := openstack.NewNetworkV2(admin, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		return err
	}
	page, err := networks.List(client, networks.ListOpts{Name: "public"}).AllPages(ctx)
	if err != nil {
		return err
	}
	if found, err := networks.ExtractNetworks(page); err != nil || len(found) > 0 {
		return err
	}
	yes := true
	made, err := networks.Create(ctx, client, external.CreateOptsExt{
		External: &yes,
		CreateOptsBuilder: provider.CreateOptsExt{
			CreateOptsBuilder: networks.CreateOpts{Name: "public", Shared: &yes},
			Segments:          []provider.Segment{{NetworkType: "flat", PhysicalNetwork: "physnet1"}},
		},
	}).Extract()
	if err != nil {
		return fmt.Errorf("network %q: %w", "public", err)
	}
	prefix := os.Getenv("GUEST_NETWORK")
	gateway := prefix + ".1"
	_, err = subnets.Create(ctx, client, subnets.CreateOpts{
		NetworkID: made.ID, Name: "public", IPVersion: gophercloud.IPv4, CIDR: prefix + ".0/24", GatewayIP: &gateway,
		AllocationPools: []subnets.AllocationPool{{Start: prefix + ".10", End: prefix + ".250"}},
	}).Extract()
	if err != nil {
		return fmt.Errorf("subnet %q: %w", "public", err)
	}
	return nil
}
