package openstack

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// stepAssociate associates the floating IP with the server, if that wasn't possible before the server had
// its ports.
type stepAssociate struct{}

func (*stepAssociate) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if b.floating == nil || b.portID != "" {
		return multistep.ActionContinue
	}
	port, err := b.serverPort(ctx)
	if err != nil {
		return next(state, err)
	}
	b.portID = port
	_, err = b.lead(ctx, b.floating.ID, port)
	return next(state, err)
}

// serverPort is the server's port on the network that the floating IP is for, or its first.
func (b *build) serverPort(ctx context.Context) (string, error) {
	pages, err := ports.List(b.network, ports.ListOpts{DeviceID: b.server.ID}).AllPages(ctx)
	if err != nil {
		return "", fmt.Errorf("listing the server's ports: %w", cloud.Classify(err))
	}
	all, err := ports.ExtractPorts(pages)
	if err != nil {
		return "", fmt.Errorf("listing the server's ports: %w", err)
	}
	for _, p := range all {
		if p.NetworkID == b.floatNet {
			return p.ID, nil
		}
	}
	if len(all) == 0 {
		return "", errNoInterface()
	}
	if b.config.InstanceFloatingIPNet != "" {
		b.report.Warn("instance_floating_ip_net: the server is not attached to %q; the floating IP goes to its first network",
			b.config.InstanceFloatingIPNet)
	}
	return all[0].ID, nil
}

func (*stepAssociate) Cleanup(multistep.StateBag) {}
