package openstack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// settled is how long Nova may take to show an active server's addresses before the build checks whether
// they can still appear.
const settled = 2 * time.Second

// findHost waits until the server has an address of the requested kind, as long as one can still appear.
func (b *build) findHost(ctx context.Context) error {
	if b.host = b.config.Comm.Host(); b.host != "" {
		return nil
	}
	start := time.Now()
	return b.pollNow(ctx, "server's address", b.config.ServerTimeout, func(ctx context.Context) (bool, error) {
		if b.host = b.address(); b.host != "" {
			return true, nil
		}
		s, err := servers.Get(ctx, b.compute, b.server.ID).Extract()
		if err != nil {
			return false, cloud.Classify(err)
		}
		b.server = s
		if time.Since(start) < settled {
			return false, nil
		}
		missing, err := b.missingAddress(ctx)
		if err != nil || missing == nil {
			return false, err
		}
		if b.host = b.fallback(); b.host == "" {
			return false, missing
		}
		b.report.Warn("%s; connecting to %s instead", missing, b.host)
		return true, nil
	})
}

// missingAddress is why the requested address can't appear; missing is nil while the server has addresses
// that Nova doesn't show yet.
func (b *build) missingAddress(ctx context.Context) (missing, err error) {
	pages, err := ports.List(b.network, ports.ListOpts{DeviceID: b.server.ID}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the server's ports: %w", cloud.Classify(err))
	}
	all, err := ports.ExtractPorts(pages)
	if err != nil {
		return nil, fmt.Errorf("listing the server's ports: %w", err)
	}
	shown := nova.Addresses(b.server, nil)
	for _, p := range all {
		for _, ip := range p.FixedIPs {
			if !slices.ContainsFunc(shown, func(t nova.Address) bool { return t.IP == ip.IPAddress }) {
				return nil, nil
			}
		}
	}
	c := &b.config.NetworkConfig
	names := slices.Sorted(maps.Keys(b.server.Addresses))
	switch {
	case len(shown) == 0 && len(all) > 0:
		return fault.New(fault.NotFound, "give its network a subnet, or choose another in networks",
			"the server is active, but its network interface has no address"), nil
	case len(shown) == 0:
		return errNoInterface(), nil
	case c.SSHInterface != "" && !slices.Contains(names, b.interfaceName()):
		return fault.New(fault.NotFound, "choose one of its networks", "ssh_interface: the server is not on a network %q, only on %s",
			c.SSHInterface, quoted(names)), nil
	}
	where := ""
	if c.SSHInterface != "" {
		where = fmt.Sprintf(" on network %q", b.interfaceName())
		shown = slices.DeleteFunc(shown, func(t nova.Address) bool { return t.Network != b.interfaceName() })
	}
	var has []string
	for _, t := range shown {
		has = append(has, t.IP)
	}
	return fault.New(fault.NotFound, "take it away, or choose another network",
		"ssh_ip_version: the server has no IPv%s address%s, only %s",
		c.SSHIPVersion, where, strings.Join(has, ", ")), nil
}

func errNoInterface() error {
	return fault.New(fault.NotFound, "name a network in networks, or create one: the project may have none",
		"the server is active, but has no network interface")
}

func quoted(names []string) string {
	var all []string
	for _, n := range names {
		all = append(all, fmt.Sprintf("%q", n))
	}
	return strings.Join(all, ", ")
}
