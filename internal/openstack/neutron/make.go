package neutron

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// PortThing is how a run's port is found, by a name that only this run uses, and removed.
func PortThing(sc *gophercloud.ServiceClient, name string) *cloud.Thing {
	return &cloud.Thing{
		Kind: "port",
		Find: func(ctx context.Context) ([]string, error) {
			pages, err := ports.List(sc, ports.ListOpts{Name: name}).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			all, err := ports.ExtractPorts(pages)
			var ids []string
			for _, p := range all {
				ids = append(ids, p.ID)
			}
			return ids, err
		},
		Delete: func(ctx context.Context, id string) error { return ports.Delete(ctx, sc, id).ExtractErr() },
	}
}

// MakePort creates a port as thing, which PortThing made with the same name, and returns its id.
func MakePort(ctx context.Context, sc *gophercloud.ServiceClient, thing *cloud.Thing, opts ports.CreateOpts) (string, error) {
	return thing.Make(ctx, func(ctx context.Context) (string, error) {
		p, err := ports.Create(ctx, sc, opts).Extract()
		if err != nil {
			return "", err
		}
		return p.ID, nil
	})
}

// FloatingIPThing is how a run's floating IP is found, by a description that only this run uses, and removed.
func FloatingIPThing(sc *gophercloud.ServiceClient, description string) *cloud.Thing {
	return &cloud.Thing{
		Kind: "floating IP",
		Find: func(ctx context.Context) ([]string, error) {
			found, err := FloatingIPs(ctx, sc, floatingips.ListOpts{Description: description})
			var ids []string
			for _, f := range found {
				ids = append(ids, f.ID)
			}
			return ids, err
		},
		Delete: func(ctx context.Context, id string) error { return floatingips.Delete(ctx, sc, id).ExtractErr() },
	}
}

// MakeFloatingIP creates a floating IP as thing, which FloatingIPThing made with the same description.
func MakeFloatingIP(ctx context.Context, sc *gophercloud.ServiceClient, thing *cloud.Thing, opts floatingips.CreateOpts,
) (*floatingips.FloatingIP, error) {
	var made *floatingips.FloatingIP
	id, err := thing.Make(ctx, func(ctx context.Context) (_ string, err error) {
		if made, err = floatingips.Create(ctx, sc, opts).Extract(); err != nil {
			made = nil
			return "", err
		}
		return made.ID, nil
	})
	if err != nil || made != nil {
		return made, err
	}
	return floatingips.Get(ctx, sc, id).Extract() // the response was lost
}

// FloatingIPs lists the floating IPs that match the query.
func FloatingIPs(ctx context.Context, sc *gophercloud.ServiceClient, query floatingips.ListOpts) ([]floatingips.FloatingIP, error) {
	pages, err := floatingips.List(sc, query).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing floating IPs: %w", cloud.Classify(err))
	}
	return floatingips.ExtractFloatingIPs(pages)
}
