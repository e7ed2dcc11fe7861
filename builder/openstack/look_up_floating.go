package openstack

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
)

func lookUpFloatingNetwork(ctx context.Context, b *build) error {
	ref := b.config.FloatingIPNetwork
	if ref == "" {
		return nil
	}
	found, err := b.resolve(ctx, "floating_ip_network", "networks", []string{ref}, url.Values{"router:external": {"true"}})
	switch {
	case fault.Is(err, fault.NotFound) && b.config.ReuseIPs:
		b.report.Warn("%s; reuse_ips takes any free floating IP of the project", err)
	case err != nil:
		return err
	default:
		b.floatingNet = found[0].ID
	}
	return nil
}

// lookUpFloatingIP checks that an existing floating IP is there and free.
func lookUpFloatingIP(ctx context.Context, b *build) error {
	ref := b.config.FloatingIP
	if ref == "" {
		return nil
	}
	query := floatingips.ListOpts{ID: ref}
	if _, err := netip.ParseAddr(ref); err == nil {
		query = floatingips.ListOpts{FloatingIP: ref}
	}
	found, err := neutron.FloatingIPs(ctx, b.network, query)
	switch {
	case err != nil:
		return fmt.Errorf("floating_ip: %w", err)
	case len(found) == 0:
		return fault.New(fault.NotFound, "give the id or the address of one that this project has", "floating_ip: there is no %q", ref)
	case found[0].PortID != "":
		return fault.New(fault.Conflict, "free it, or use floating_ip_network", "floating_ip: %q is in use by port %q", ref,
			found[0].PortID)
	}
	b.ownFloating = &found[0]
	return nil
}
