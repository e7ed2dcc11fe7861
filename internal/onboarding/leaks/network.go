package leaks

import (
	"context"
	"fmt"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	netports "github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// ports lists the ports that are down and belong to no server that exists. What routers, DHCP and load balancers own isn't
// a leak, nor is a port that somebody has described.
func ports(ctx context.Context, p *project) ([]*Leak, error) {
	sc, err := p.Network()
	if err != nil {
		return nil, err
	}
	there, err := p.servers()
	if err != nil {
		return nil, err
	}
	pages, err := netports.List(sc, netports.ListOpts{ProjectID: p.Project().ID}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing ports: %w", cloud.Classify(err))
	}
	all, err := netports.ExtractPorts(pages)
	if err != nil {
		return nil, fmt.Errorf("listing ports: %w", err)
	}
	leaked := func(port netports.Port) bool {
		return port.ProjectID == p.Project().ID && port.Status == "DOWN" && port.Description == "" && !there[port.DeviceID] &&
			(port.DeviceOwner == "" && port.DeviceID == "" || strings.HasPrefix(port.DeviceOwner, "compute:"))
	}
	var found []*Leak
	for _, port := range all {
		if !leaked(port) {
			continue
		}
		why := "it is down, and no server has it"
		if port.DeviceID != "" {
			why = "it is down, and its server " + port.DeviceID + " is gone"
		}
		found = append(found, &Leak{
			Kind: Port, ID: port.ID, Name: port.Name, Created: port.CreatedAt, Why: why,
			still: func(ctx context.Context) (bool, error) {
				now, err := netports.Get(ctx, sc, port.ID).Extract()
				return err == nil && leaked(*now) && now.DeviceID == port.DeviceID, err
			},
			remove: func(ctx context.Context) error { return netports.Delete(ctx, sc, port.ID).ExtractErr() },
		})
	}
	return found, nil
}

// floatingIPs lists the floating IPs that no port has, unless somebody has described them.
func floatingIPs(ctx context.Context, p *project) ([]*Leak, error) {
	sc, err := p.Network()
	if err != nil {
		return nil, err
	}
	pages, err := floatingips.List(sc, floatingips.ListOpts{ProjectID: p.Project().ID}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing floating IPs: %w", cloud.Classify(err))
	}
	all, err := floatingips.ExtractFloatingIPs(pages)
	if err != nil {
		return nil, fmt.Errorf("listing floating IPs: %w", err)
	}
	leaked := func(f floatingips.FloatingIP) bool {
		return f.ProjectID == p.Project().ID && f.PortID == "" && f.Description == ""
	}
	var found []*Leak
	for _, f := range all {
		if !leaked(f) {
			continue
		}
		found = append(found, &Leak{
			Kind: FloatingIP, ID: f.ID, Name: f.FloatingIP, Created: f.CreatedAt, Why: "no port has it",
			still: func(ctx context.Context) (bool, error) {
				now, err := floatingips.Get(ctx, sc, f.ID).Extract()
				return err == nil && leaked(*now), err
			},
			remove: func(ctx context.Context) error { return floatingips.Delete(ctx, sc, f.ID).ExtractErr() },
		})
	}
	return found, nil
}
