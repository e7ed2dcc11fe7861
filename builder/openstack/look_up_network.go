package openstack

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// named is what the look-ups need of Neutron's objects.
type named struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	NetworkID string `json:"network_id"` // of a port
	ProjectID string `json:"project_id"`
	Shared    bool   `json:"shared"`
}

// resolve finds the objects of one collection by their ids or names, in the order of refs.
func (b *build) resolve(ctx context.Context, option, collection string, refs []string, filter url.Values) ([]named, error) {
	var ids, names []string
	for _, r := range refs {
		if uuid.Validate(r) == nil {
			ids = append(ids, r)
		} else {
			names = append(names, r)
		}
	}
	var known []named
	for key, values := range map[string][]string{"id": ids, "name": names} {
		if len(values) == 0 {
			continue
		}
		query := url.Values{key: values}
		maps.Copy(query, filter)
		found, err := b.list(ctx, collection, query)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", option, err)
		}
		known = append(known, found...)
	}
	var all []named
	for _, r := range refs {
		var match []named
		for _, k := range known {
			if k.ID == r || k.Name == r {
				match = append(match, k)
			}
		}
		switch len(match) {
		case 0:
			return nil, fault.New(fault.NotFound, "check the name, and that this project sees it",
				"%s: there is no %q", option, r)
		case 1:
			all = append(all, match[0])
		default:
			var ids []string
			for _, m := range match {
				ids = append(ids, m.ID)
			}
			return nil, fault.New(fault.Ambiguous, "use its id", "%s: %q is the name of several: %s", option, r, strings.Join(ids, ", "))
		}
	}
	return all, nil
}

func (b *build) list(ctx context.Context, collection string, query url.Values) ([]named, error) {
	var body map[string][]named
	resp, err := b.network.Get(ctx, b.network.ServiceURL(collection)+"?"+query.Encode(), &body, nil)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", collection, cloud.Classify(err))
	}
	resp.Body.Close()
	return body[strings.ReplaceAll(collection, "-", "_")], nil
}

// lookUpAttachments finds what the server is attached to, and which of it a floating IP is for.
func lookUpAttachments(ctx context.Context, b *build) error {
	c := &b.config.NetworkConfig
	var networks []string // the network of each attachment
	ports, err := b.resolve(ctx, "ports", "ports", c.Ports, nil)
	if err != nil {
		return err
	}
	for _, p := range ports {
		b.attach = append(b.attach, servers.Network{Port: p.ID})
		networks = append(networks, p.NetworkID)
	}
	found, err := b.resolve(ctx, "networks", "networks", c.Networks, nil)
	if err != nil {
		return err
	}
	for _, n := range found {
		b.attach = append(b.attach, servers.Network{UUID: n.ID})
		networks = append(networks, n.ID)
	}
	if len(b.attach) == 0 && len(c.NetworkDiscoveryCIDRs) > 0 {
		id, err := b.discover(ctx)
		if err != nil {
			return err
		}
		b.attach, networks = []servers.Network{{UUID: id}}, []string{id}
	}
	if c.floating() {
		return b.chooseFloatNet(ctx, networks)
	}
	return nil
}

// chooseFloatNet decides which network the floating IP leads to. Where that can only be seen when
// the server is up, floatNet stays empty.
func (b *build) chooseFloatNet(ctx context.Context, networks []string) error {
	if ref := b.config.InstanceFloatingIPNet; ref != "" {
		found, err := b.resolve(ctx, "instance_floating_ip_net", "networks", []string{ref}, nil)
		if err != nil {
			return err
		}
		if len(networks) > 0 && !slices.Contains(networks, found[0].ID) {
			return fault.New(fault.Usage, "add it to networks, or choose one of them",
				"instance_floating_ip_net: the server is not attached to %q", ref)
		}
		b.floatNet = found[0].ID
		return nil
	}
	if len(networks) > 0 {
		b.floatNet = networks[0]
		return nil
	}
	// Nova takes the only network there is; so can we, and have the address before the boot.
	found, err := b.list(ctx, "networks", url.Values{"router:external": {"false"}})
	if err != nil {
		return fmt.Errorf("networks: %w", err)
	}
	usable := slices.DeleteFunc(found, func(n named) bool { return !n.Shared && n.ProjectID != b.cloud.Project().ID })
	if len(usable) == 1 {
		b.attach, b.floatNet = []servers.Network{{UUID: usable[0].ID}}, usable[0].ID
	}
	return nil
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

func lookUpGroups(ctx context.Context, b *build) error {
	// An administrator would see the groups of other projects as well.
	found, err := b.resolve(ctx, "security_groups", "security-groups", b.config.SecurityGroups,
		url.Values{"project_id": {b.cloud.Project().ID}})
	if err != nil {
		return err
	}
	for _, g := range found {
		b.groups = append(b.groups, g.ID)
	}
	return nil
}

func lookUpFloatingNetwork(ctx context.Context, b *build) error {
	ref := b.config.FloatingIPNetwork
	if ref == "" {
		return nil
	}
	found, err := b.resolve(ctx, "floating_ip_network", "networks", []string{ref}, url.Values{"router:external": {"true"}})
	if err != nil {
		return err
	}
	b.floatingNet = found[0].ID
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
	found, err := listFloatingIPs(ctx, b, query)
	switch {
	case err != nil:
		return fmt.Errorf("floating_ip: %w", err)
	case len(found) == 0:
		return fault.New(fault.NotFound, "give the id or the address of one that this project has", "floating_ip: there is no %q", ref)
	case found[0].PortID != "":
		return fault.New(fault.Conflict, "free it, or use floating_ip_network", "floating_ip: %q is in use by port %q", ref, found[0].PortID)
	}
	b.ownFloating = &found[0]
	return nil
}

func listFloatingIPs(ctx context.Context, b *build, query floatingips.ListOpts) ([]floatingips.FloatingIP, error) {
	pages, err := floatingips.List(b.network, query).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing floating IPs: %w", cloud.Classify(err))
	}
	return floatingips.ExtractFloatingIPs(pages)
}
