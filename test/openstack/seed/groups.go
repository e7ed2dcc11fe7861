package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
)

// seedGroups lets ping and SSH into every project's default security group.
func seedGroups(ctx context.Context, admin *gophercloud.ProviderClient) error {
	identity, err := openstack.NewIdentityV3(admin, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		return err
	}
	network, err := openstack.NewNetworkV2(admin, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		return err
	}
	page, err := projects.List(identity, nil).AllPages(ctx)
	if err != nil {
		return err
	}
	all, err := projects.ExtractProjects(page)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := openDefaultGroup(ctx, network, p.ID); err != nil {
			return fmt.Errorf("default security group of project %q: %w", p.Name, err)
		}
	}
	return nil
}

// openDefaultGroup relies on Neutron making the group when it is first listed.
func openDefaultGroup(ctx context.Context, client *gophercloud.ServiceClient, project string) error {
	page, err := groups.List(client, groups.ListOpts{ProjectID: project, Name: "default"}).AllPages(ctx)
	if err != nil {
		return err
	}
	found, err := groups.ExtractGroups(page)
	if err == nil && len(found) == 0 {
		err = errors.New("it isn't listed")
	}
	if err != nil {
		return err
	}
	for _, opts := range []rules.CreateOpts{
		{Protocol: rules.ProtocolICMP},
		{Protocol: rules.ProtocolTCP, PortRangeMin: 22, PortRangeMax: 22},
	} {
		opts.Direction, opts.EtherType, opts.SecGroupID = rules.DirIngress, rules.EtherType4, found[0].ID
		opts.ProjectID = project
		if _, err := rules.Create(ctx, client, opts).Extract(); err != nil && !gophercloud.ResponseCodeIs(err, 409) {
			return err
		}
	}
	return nil
}
