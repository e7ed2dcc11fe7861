package openstack

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
)

// stepFloatingIP gets the floating IP: the one that the template names, a free one of the project, or a
// new one. If the server's port is known, it is associated from the start.
type stepFloatingIP struct{}

func (*stepFloatingIP) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if !b.config.floating() {
		return multistep.ActionContinue
	}
	err := b.withRoom(ctx, "floating IP", func(ctx context.Context) (err error) {
		b.floating, err = b.floatingIP(ctx)
		return err
	})
	if err != nil {
		return next(state, err)
	}
	b.report.Step("Floating IP %s", b.floating.FloatingIP)
	return multistep.ActionContinue
}

func (b *build) floatingIP(ctx context.Context) (*floatingips.FloatingIP, error) {
	if b.ownFloating != nil {
		ip, err := b.claim(ctx, b.ownFloating)
		if err != nil {
			return nil, fmt.Errorf("floating_ip: %w", err)
		}
		if ip == nil {
			return nil, fault.New(fault.Conflict, "choose another, or use floating_ip_network",
				"floating_ip: another user has just taken %q", b.config.FloatingIP)
		}
		return ip, nil
	}
	if b.config.ReuseIPs {
		ip, err := b.reuse(ctx)
		if err != nil || ip != nil {
			return ip, err
		}
	}
	return b.makeFloatingIP(ctx)
}

// reuse claims a free floating IP of the project; nil if there is none, and a new one can be
// made.
func (b *build) reuse(ctx context.Context) (*floatingips.FloatingIP, error) {
	all, err := neutron.FloatingIPs(ctx, b.network, floatingips.ListOpts{ProjectID: b.cloud.Project().ID, FloatingNetworkID: b.floatingNet})
	if err != nil {
		return nil, fmt.Errorf("reuse_ips: %w", err)
	}
	for _, candidate := range all {
		if candidate.PortID != "" || claimed(candidate.Description) {
			continue
		}
		if ip, err := b.claim(ctx, &candidate); err != nil || ip != nil {
			return ip, err
		}
	}
	if b.floatingNet == "" {
		return nil, fault.New(fault.Quota, "set floating_ip_network to make one, or free one",
			"reuse_ips: project %q has no free floating IP", b.cloud.Project().Name)
	}
	return nil, nil
}

func (b *build) makeFloatingIP(ctx context.Context) (*floatingips.FloatingIP, error) {
	thing := b.expect(neutron.FloatingIPThing(b.network, b.description()))
	ip, err := neutron.MakeFloatingIP(ctx, b.network, thing, floatingips.CreateOpts{
		FloatingNetworkID: b.floatingNet, PortID: b.portID, Description: b.description(),
	})
	if err != nil {
		return nil, fmt.Errorf("creating a floating IP from %q: %w", b.config.FloatingIPNetwork, cloud.Classify(err))
	}
	return ip, nil
}

func (*stepFloatingIP) Cleanup(multistep.StateBag) {}
