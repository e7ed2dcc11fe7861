package check

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// named checks that the image, the flavor and the network that the user names are there: a wrong name is the user's
// mistake, and not the cloud's. What can't be asked for is left to the check.
func (e *env) named(ctx context.Context) error {
	a, there := e.o.Active, e.test.there
	if there == nil {
		return nil
	}
	for _, look := range []struct {
		name   string
		client func() (*gophercloud.ServiceClient, error)
		find   func(sc *gophercloud.ServiceClient) error
	}{
		{a.Image, there.Image, func(sc *gophercloud.ServiceClient) error {
			_, _, err := chooseImage(ctx, glance.New(sc), a.Image, a.SSHUser)
			return fault.In("image", err)
		}},
		{a.Flavor, there.Compute, func(sc *gophercloud.ServiceClient) error {
			_, err := nova.Flavor(ctx, sc, a.Flavor)
			return err
		}},
		{a.Network, there.Network, func(sc *gophercloud.ServiceClient) error {
			_, err := neutron.Resolve(ctx, sc, "network", "networks", []string{a.Network}, nil)
			return err
		}},
	} {
		sc, err := look.client()
		if look.name == "" || err != nil {
			continue
		}
		if err := look.find(sc); fault.Is(err, fault.NotFound) || fault.Is(err, fault.Ambiguous) {
			return err
		}
	}
	return ctx.Err()
}
