package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
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

// seedNetworks makes two networks, shared by all projects: public, on which the host is the first
// address, and private behind a router. GUEST_NETWORK and PRIVATE_NETWORK are the first three numbers of
// their addresses.
func seedNetworks(ctx context.Context, admin *gophercloud.ProviderClient) error {
	client, err := openstack.NewNetworkV2(admin, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		return err
	}
	yes := true
	public, _, err := network(ctx, client, os.Getenv("GUEST_NETWORK"), external.CreateOptsExt{
		External: &yes,
		CreateOptsBuilder: provider.CreateOptsExt{
			CreateOptsBuilder: networks.CreateOpts{Name: "public", Shared: &yes},
			Segments:          []provider.Segment{{NetworkType: "flat", PhysicalNetwork: "physnet1"}},
		},
	})
	if err != nil {
		return fmt.Errorf("network %q: %w", "public", err)
	}
	_, subnet, err := network(ctx, client, os.Getenv("PRIVATE_NETWORK"), networks.CreateOpts{Name: "private", Shared: &yes})
	if err != nil {
		return fmt.Errorf("network %q: %w", "private", err)
	}
	router, err := routers.Create(ctx, client, routers.CreateOpts{
		Name: "way-out", GatewayInfo: &routers.GatewayInfo{NetworkID: public},
	}).Extract()
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	if _, err := routers.AddInterface(ctx, client, router.ID, routers.AddInterfaceOpts{SubnetID: subnet}).Extract(); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	return nil
}

// network makes a network with one subnet of 256 addresses, and returns the ids of both.
func network(ctx context.Context, client *gophercloud.ServiceClient, prefix string, opts networks.CreateOptsBuilder) (id, subnet string,
	err error,
) {
	made, err := networks.Create(ctx, client, opts).Extract()
	if err != nil {
		return "", "", err
	}
	gateway := prefix + ".1"
	sub, err := subnets.Create(ctx, client, subnets.CreateOpts{
		NetworkID: made.ID, Name: made.Name, IPVersion: gophercloud.IPv4, CIDR: prefix + ".0/24", GatewayIP: &gateway,
		AllocationPools: []subnets.AllocationPool{{Start: prefix + ".10", End: prefix + ".250"}},
	}).Extract()
	if err != nil {
		return "", "", err
	}
	return made.ID, sub.ID, nil
}
