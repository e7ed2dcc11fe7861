package usage

import (
	"context"
	"maps"
	"regexp"
	"slices"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// askNodes reads the bare-metal nodes, whose driver_info and instance_info name images by their id, as
// glance://ID or as a URL with the id in it.
func (c *collection) askNodes(from *cloud.Cloud) {
	a := c.source(Nodes, from)
	c.wait.Go(func() {
		c.read(a, from.BareMetal, func(ctx context.Context, sc *gophercloud.ServiceClient) error {
			client, err := ironic.New(ctx, sc)
			if err != nil {
				return err
			}
			if !from.IsAdmin() {
				a.limit(from) // others are shown the nodes that they own or lease
			}
			return client.EachNode(ctx, a.restart, func(nodes []ironic.Node) error {
				for _, n := range nodes {
					a.node(n)
				}
				return nil
			})
		})
	})
}

func (a *answer) node(n ironic.Node) {
	use := Use{Kind: Node, ID: n.ID, Name: n.Name, Project: n.Owner, Evidence: "state " + n.ProvisionState}
	if n.Maintenance {
		use.Evidence += ", in maintenance"
	}
	for field, info := range map[string]map[string]any{"driver_info": n.DriverInfo, "instance_info": n.InstanceInfo} {
		for _, name := range slices.Sorted(maps.Keys(info)) {
			use.How = field + "/" + name
			for _, id := range idsIn(info[name]) {
				a.byID(id, use)
			}
		}
	}
}

var idText = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// idsIn are the ids in a value of JSON, at any depth.
func idsIn(value any) (ids []string) {
	switch v := value.(type) {
	case string:
		return idText.FindAllString(v, -1)
	case []any:
		for _, one := range v {
			ids = append(ids, idsIn(one)...)
		}
	case map[string]any:
		for _, one := range v {
			ids = append(ids, idsIn(one)...)
		}
	}
	return ids
}
