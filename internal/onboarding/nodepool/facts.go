package nodepool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/quota"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Facts are what a project has in one region.
type Facts struct {
	Cloud, Region string
	Flavors       []flavors.Flavor
	Zones         []string
	Networks      []Network
	Groups        []string
	Quotas        *quota.Quotas

	project string
}

// Network is a network that the project can see.
type Network struct {
	networks.Network
	external.NetworkExternalExt
}

// ReadFacts reads, all at once, what a provider's configuration is made from.
func ReadFacts(ctx context.Context, c *cloud.Cloud) (*Facts, error) {
	f := &Facts{Cloud: c.Name(), Region: c.Region(), project: c.Project().ID}
	compute, err := c.Compute()
	if err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		f.Quotas, err = quota.Read(ctx, c)
		return err
	})
	g.Go(func() error { return f.readFlavors(ctx, compute) })
	g.Go(func() error { return f.readZones(ctx, compute) })
	if network, err := c.Network(); err == nil {
		g.Go(func() error { return f.readNetworks(ctx, network) })
		g.Go(func() error { return f.readGroups(ctx, network) })
	} else if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	// Without a limit that exists, the computed number would be too high.
	if err := f.Quotas.Failures(); err != nil {
		return nil, fmt.Errorf("reading the quotas of cloud %q: %w", f.Cloud, err)
	}
	return f, nil
}

func (f *Facts) readFlavors(ctx context.Context, sc *gophercloud.ServiceClient) error {
	pages, err := flavors.ListDetail(sc, nil).AllPages(ctx)
	if err == nil {
		f.Flavors, err = flavors.ExtractFlavors(pages)
	}
	return listing("flavors", err)
}

func (f *Facts) readZones(ctx context.Context, sc *gophercloud.ServiceClient) error {
	pages, err := availabilityzones.List(sc).AllPages(ctx)
	if err != nil {
		return listing("availability zones", err)
	}
	zones, err := availabilityzones.ExtractAvailabilityZones(pages)
	for _, z := range zones {
		if z.ZoneState.Available {
			f.Zones = append(f.Zones, z.ZoneName)
		}
	}
	slices.Sort(f.Zones)
	return listing("availability zones", err)
}

func (f *Facts) readNetworks(ctx context.Context, sc *gophercloud.ServiceClient) error {
	pages, err := networks.List(sc, networks.ListOpts{}).AllPages(ctx)
	if err == nil {
		err = networks.ExtractNetworksInto(pages, &f.Networks)
	}
	return listing("networks", err)
}

func (f *Facts) readGroups(ctx context.Context, sc *gophercloud.ServiceClient) error {
	pages, err := groups.List(sc, groups.ListOpts{ProjectID: f.project}).AllPages(ctx)
	if err != nil {
		return listing("security groups", err)
	}
	all, err := groups.ExtractGroups(pages)
	for _, g := range all {
		f.Groups = append(f.Groups, g.Name)
	}
	return listing("security groups", err)
}

func listing(what string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("listing %s: %w", what, cloud.Classify(err))
}
