package openstack

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
)

// lookUpAttachments finds the server's networks and ports, in SSH's order of preference, and the one for a
// floating IP.
func lookUpAttachments(ctx context.Context, b *build) error {
	c := &b.config.NetworkConfig
	ports, err := b.resolve(ctx, "ports", "ports", c.Ports, nil)
	if err != nil {
		return err
	}
	for _, p := range ports {
		b.attach = append(b.attach, servers.Network{Port: p.ID})
		b.attached = append(b.attached, neutron.Named{ID: p.NetworkID})
	}
	found, err := b.resolve(ctx, "networks", "networks", c.Networks, nil)
	if err != nil {
		return err
	}
	for _, n := range found {
		b.attach = append(b.attach, servers.Network{UUID: n.ID})
		b.attached = append(b.attached, n)
	}
	if len(b.attach) == 0 && len(c.NetworkDiscoveryCIDRs) > 0 {
		id, err := b.discover(ctx)
		if err != nil {
			return err
		}
		b.attach, b.attached = []servers.Network{{UUID: id}}, []neutron.Named{{ID: id}}
	}
	if err := b.nameNetworks(ctx); err != nil {
		return err
	}
	if c.floating() {
		return b.chooseFloatNet(ctx)
	}
	return nil
}

// nameNetworks finds the names of networks given by id, if they are needed to read Nova's list of the
// server's addresses.
func (b *build) nameNetworks(ctx context.Context) error {
	var unnamed []string
	for _, n := range b.attached {
		if n.Name == "" && len(b.attached) > 1 {
			unnamed = append(unnamed, n.ID)
		}
	}
	wanted := b.config.SSHInterface
	if uuid.Validate(wanted) == nil && b.interfaceName() == wanted {
		unnamed = append(unnamed, wanted)
	}
	found, err := b.find(ctx, "networks", "networks", unnamed, nil)
	for _, n := range found {
		for at := range b.attached {
			if b.attached[at].ID == n.ID {
				b.attached[at].Name = n.Name
			}
		}
		if n.ID == wanted {
			b.sshNetwork = n.Name
		}
	}
	return err
}

// chooseFloatNet decides which network the floating IP is attached to. If that is only known when the
// server is up, floatNet stays empty.
func (b *build) chooseFloatNet(ctx context.Context) error {
	if ref := b.config.InstanceFloatingIPNet; ref != "" {
		found, err := b.find(ctx, "instance_floating_ip_net", "networks", []string{ref}, nil)
		if err != nil {
			return err
		}
		chosen, err := neutron.One("instance_floating_ip_net", ref, found)
		if err == nil && (len(b.attached) == 0 || b.isAttached(chosen.ID)) {
			b.floatNet = chosen.ID
			return nil
		}
		b.report.Warn("instance_floating_ip_net: the server is not attached to %q; the floating IP goes to its first network", ref)
	}
	if len(b.attached) > 0 {
		b.floatNet = b.attached[0].ID
		return nil
	}
	// If there is only one network, Nova uses it; so the address can be known before the boot.
	found, err := neutron.List(ctx, b.network, "networks", url.Values{"router:external": {"false"}})
	if err != nil {
		return fmt.Errorf("networks: %w", err)
	}
	usable := slices.DeleteFunc(found, func(n neutron.Named) bool { return !n.Shared && n.ProjectID != b.cloud.Project().ID })
	if len(usable) == 1 {
		b.attach, b.attached, b.floatNet = []servers.Network{{UUID: usable[0].ID}}, usable, usable[0].ID
	}
	return nil
}

func (b *build) isAttached(network string) bool {
	return slices.ContainsFunc(b.attached, func(n neutron.Named) bool { return n.ID == network })
}

// discover finds the first network with a subnet inside of one of the ranges.
func (b *build) discover(ctx context.Context) (string, error) {
	pages, err := subnets.List(b.network, subnets.ListOpts{}).AllPages(ctx)
	if err != nil {
		return "", fmt.Errorf("network_discovery_cidrs: listing subnets: %w", cloud.Classify(err))
	}
	all, err := subnets.ExtractSubnets(pages)
	if err != nil {
		return "", fmt.Errorf("network_discovery_cidrs: listing subnets: %w", err)
	}
	for _, s := range all {
		subnet, err := netip.ParsePrefix(s.CIDR)
		if err != nil {
			continue
		}
		for _, cidr := range b.config.NetworkDiscoveryCIDRs {
			if r := netip.MustParsePrefix(cidr); r.Contains(subnet.Addr()) && r.Bits() <= subnet.Bits() {
				return s.NetworkID, nil
			}
		}
	}
	return "", fault.New(fault.NotFound, "name the network in networks", "network_discovery_cidrs: no subnet is inside of %s",
		strings.Join(b.config.NetworkDiscoveryCIDRs, ", "))
}
