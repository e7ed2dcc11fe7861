package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/baremetal/v1/nodes"
	"github.com/gophercloud/gophercloud/v2/openstack/baremetal/v1/ports"
)

const ironicURL = "http://127.0.0.1:6385"

// seedBaremetal puts Ironic into the catalog and enrolls three nodes up to the state available. Of fake-1
// and fake-2 everything is fake, and succeeds; they are cleaned after each use. real-1 is deployed as a
// machine is, from Glance's images by PXE, and fails as one does: on images that aren't there, and else
// on an agent that never calls. It isn't cleaned, which would need that agent too.
func seedBaremetal(ctx context.Context, admin *gophercloud.ProviderClient, password string) error {
	identity, err := openstack.NewIdentityV3(admin, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		return err
	}
	if err := (directory{client: identity, password: password, region: "RegionOne"}).endpoint(ctx, "baremetal", ironicURL); err != nil {
		return fmt.Errorf("service %q: %w", "baremetal", err)
	}
	client := &gophercloud.ServiceClient{ProviderClient: admin, Endpoint: ironicURL + "/v1/", Type: "baremetal", Microversion: "1.78"}
	no := false
	for k, opts := range []nodes.CreateOpts{
		{Name: "fake-1", Driver: "fake-hardware", BootInterface: "fake", DeployInterface: "fake", ResourceClass: "fake"},
		{Name: "fake-2", Driver: "fake-hardware", BootInterface: "fake", DeployInterface: "fake", ResourceClass: "fake"},
		{
			Name: "real-1", Driver: "fake-hardware", BootInterface: "pxe", DeployInterface: "direct", ResourceClass: "real",
			AutomatedClean: &no,
		},
	} {
		if err := enroll(ctx, client, opts, fmt.Sprintf("52:54:00:00:77:%02x", k+1)); err != nil {
			return fmt.Errorf("node %q: %w", opts.Name, err)
		}
	}
	return nil
}

func enroll(ctx context.Context, client *gophercloud.ServiceClient, opts nodes.CreateOpts, mac string) error {
	node, err := nodes.Create(ctx, client, opts).Extract()
	if err != nil {
		return err
	}
	if _, err := ports.Create(ctx, client, ports.CreateOpts{NodeUUID: node.UUID, Address: mac}).Extract(); err != nil {
		return err
	}
	for _, step := range []struct {
		target nodes.TargetProvisionState
		state  nodes.ProvisionState
	}{{nodes.TargetManage, nodes.Manageable}, {nodes.TargetProvide, nodes.Available}} {
		if err := nodes.ChangeProvisionState(ctx, client, node.UUID,
			nodes.ProvisionStateOpts{Target: step.target}).ExtractErr(); err != nil {
			return err
		}
		if err := awaitNode(ctx, client, node.UUID, step.state); err != nil {
			return err
		}
	}
	return nil
}

func awaitNode(ctx context.Context, client *gophercloud.ServiceClient, id string, state nodes.ProvisionState) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		node, err := nodes.Get(ctx, client, id).Extract()
		if err != nil {
			return err
		}
		if node.ProvisionState == string(state) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("is %s, not %s: %s", node.ProvisionState, state, node.LastError)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
