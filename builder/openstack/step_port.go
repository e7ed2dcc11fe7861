package openstack

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
)

// stepPort creates the floating IP's port, so that the address is known before the server boots and is on
// the right network.
type stepPort struct{}

func (*stepPort) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if !b.config.floating() || b.floatNet == "" {
		return multistep.ActionContinue
	}
	for n, a := range b.attach {
		if a.Port != "" {
			p, err := ports.Get(ctx, b.network, a.Port).Extract()
			if err != nil {
				return next(state, fmt.Errorf("ports: %w", cloud.Classify(err)))
			}
			if p.NetworkID == b.floatNet {
				b.portID = a.Port
				return multistep.ActionContinue
			}
		}
		if a.UUID == b.floatNet {
			err := b.withRoom(ctx, "port", func(ctx context.Context) (err error) {
				b.portID, err = b.makePort(ctx)
				return err
			})
			if err != nil {
				return next(state, fmt.Errorf("creating a port on network %q: %w", b.floatNet, cloud.Classify(err)))
			}
			b.attach[n] = servers.Network{Port: b.portID}
			return multistep.ActionContinue
		}
	}
	return multistep.ActionContinue
}

func (b *build) makePort(ctx context.Context) (string, error) {
	opts := ports.CreateOpts{NetworkID: b.floatNet, Name: staging(b.config.run), Description: b.description()}
	if len(b.groups) > 0 {
		opts.SecurityGroups = &b.groups
	}
	return neutron.MakePort(ctx, b.network, b.expectUsed(neutron.PortThing(b.network, opts.Name)), opts)
}

func (*stepPort) Cleanup(multistep.StateBag) {}
