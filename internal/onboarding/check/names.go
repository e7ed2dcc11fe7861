package check

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
)

// Names are the names that an active check's flavor or network may have, sorted.
func Names(ctx context.Context, c *cloud.Cloud, what string) ([]string, error) {
	var names []string
	switch what {
	case "flavor":
		sc, err := c.Compute()
		if err != nil {
			return nil, err
		}
		s := newSide(c, c)
		s.readFlavors(ctx, sc)
		for _, f := range s.flavors.value {
			names = append(names, f.Name)
		}
		if s.flavors.err != nil {
			return nil, s.flavors.err
		}
	case "network":
		sc, err := c.Network()
		if err != nil {
			return nil, err
		}
		found, err := neutron.List(ctx, sc, "networks", nil)
		if err != nil {
			return nil, err
		}
		for _, n := range found {
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
