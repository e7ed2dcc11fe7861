package neutron

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// GroupThing is how a run's security group is found, by a name that only this run uses, and removed.
func GroupThing(sc *gophercloud.ServiceClient, name string) *cloud.Thing {
	return &cloud.Thing{
		Kind: "security group",
		Find: func(ctx context.Context) ([]string, error) {
			pages, err := groups.List(sc, groups.ListOpts{Name: name}).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			all, err := groups.ExtractGroups(pages)
			var ids []string
			for _, g := range all {
				ids = append(ids, g.ID)
			}
			return ids, err
		},
		Delete: func(ctx context.Context, id string) error { return groups.Delete(ctx, sc, id).ExtractErr() },
	}
}

// MakeGroup creates a security group as thing, which GroupThing made with the same name, that lets TCP
// connections to the ports in, and returns its id.
func MakeGroup(ctx context.Context, sc *gophercloud.ServiceClient, thing *cloud.Thing, opts groups.CreateOpts, tcp []int) (string, error) {
	id, err := thing.Make(ctx, func(ctx context.Context) (string, error) {
		g, err := groups.Create(ctx, sc, opts).Extract()
		if err != nil {
			return "", err
		}
		return g.ID, nil
	})
	if err != nil {
		return "", err
	}
	for _, port := range tcp {
		for _, version := range []rules.RuleEtherType{rules.EtherType4, rules.EtherType6} {
			if err := letIn(ctx, sc, id, version, port); err != nil {
				return "", err
			}
		}
	}
	return id, nil
}

func letIn(ctx context.Context, sc *gophercloud.ServiceClient, group string, version rules.RuleEtherType, port int) error {
	_, err := cloud.Create(ctx, func(ctx context.Context) (string, error) {
		r, err := rules.Create(ctx, sc, rules.CreateOpts{
			SecGroupID: group, Direction: rules.DirIngress, EtherType: version, Protocol: rules.ProtocolTCP,
			PortRangeMin: port, PortRangeMax: port,
		}).Extract()
		if err != nil {
			return "", err
		}
		return r.ID, nil
	}, func(ctx context.Context) (string, bool, error) {
		pages, err := rules.List(sc, rules.ListOpts{SecGroupID: group}).AllPages(ctx)
		if err != nil {
			return "", false, err
		}
		all, err := rules.ExtractRules(pages)
		for _, r := range all {
			if r.Direction == string(rules.DirIngress) && r.EtherType == string(version) && r.PortRangeMin == port {
				return r.ID, true, err
			}
		}
		return "", false, err
	})
	return err
}
