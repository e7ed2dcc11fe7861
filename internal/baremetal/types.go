package baremetal

import (
	"cmp"
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// typeOf are the ways to say of what type a node is, in the order in which they count.
var typeOf = []func(n *ironic.Node, t string) bool{
	func(n *ironic.Node, t string) bool { return NodeType(n) == t },
	func(n *ironic.Node, t string) bool { return n.ResourceClass == t },
	func(n *ironic.Node, t string) bool { return slices.Contains(n.Traits, t) },
}

// NodeType is a node's type as its properties or its extra say it.
func NodeType(n *ironic.Node) string {
	return cmp.Or(ironic.Text(n.Properties, "node_type"), ironic.Text(n.Extra, "node_type"))
}

// Types are the types and resource classes of nodes, sorted.
func Types(nodes []*ironic.Node) []string {
	var all []string
	for _, n := range nodes {
		if t := cmp.Or(NodeType(n), n.ResourceClass); t != "" && !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	slices.Sort(all)
	return all
}

// List is all nodes of the cloud.
func (s *Site) List(ctx context.Context) ([]*ironic.Node, error) { return s.nodes(ctx, Selection{}) }
