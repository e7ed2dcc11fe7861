// Package baremetal tests Ironic's deploy ramdisks on a node, rolls them out to the nodes of a type, and takes a
// rollout back.
//
// A deploy ramdisk is a pair of images, a kernel and a ramdisk, that a node's driver_info names. Ironic boots the
// pair to deploy a node and to clean it afterwards. Whoever replaces the pair may leave a node that can neither be
// deployed nor cleaned; so every change keeps the values before on the node itself, in its extra, where any machine
// finds them.
package baremetal

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// Site is a cloud's bare metal, as an administrator's credentials see it.
type Site struct {
	Nodes  *ironic.Client
	Images *glance.Client
	Owner  string // id of the project whose images count
	Run    cloud.Run

	// Compute is Nova's client, nil where the cloud has none.
	Compute *gophercloud.ServiceClient
	// Leases reserves nodes where the cloud has Blazar; nil where it has none.
	Leases *Leases
	// Inventory is the source of truth that overwrites driver_info; nil without one.
	Inventory *Inventory

	Pace change.Pace // of waiting; zero = change.DefaultPace
	Now  func() time.Time
}

// NewSite makes a site of a connection.
func NewSite(c *cloud.Cloud, owner string, run cloud.Run) (*Site, error) {
	nodes, err := c.BareMetal()
	if err != nil {
		return nil, err
	}
	images, err := c.Image()
	if err != nil {
		return nil, err
	}
	if owner == "" {
		owner = c.Project().ID
	}
	s := &Site{Nodes: ironic.Reserving(nodes), Images: glance.New(images), Owner: owner, Run: run, Pace: change.DefaultPace, Now: time.Now}
	if s.Compute, err = c.Compute(); err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if s.Leases, err = leasesOf(c); err != nil {
		return nil, err
	}
	return s, nil
}

// Selection chooses nodes.
type Selection struct {
	// Type is a node type: the value of properties.node_type or extra.node_type; or else a resource class; or else a
	// trait. The first of these that any node has counts.
	Type string
	// Nodes are nodes by UUID or name.
	Nodes []string
}

func (s Selection) String() string {
	if len(s.Nodes) > 0 {
		return "nodes " + strings.Join(s.Nodes, ", ")
	}
	return fmt.Sprintf("node type %q", s.Type)
}

func (s Selection) check() error {
	for _, n := range s.Nodes {
		if strings.TrimSpace(n) == "" {
			return fault.Bad("node", "give a value, or leave it out", "it is empty")
		}
	}
	switch {
	case strings.TrimSpace(s.Type) == "" && len(s.Nodes) == 0:
		return fault.New(fault.Usage, fault.Advise("name a type with %s, or nodes with %s", fault.Option("node_type"),
			fault.Option("node")), "no nodes are chosen")
	case s.Type != "" && len(s.Nodes) > 0:
		return fault.New(fault.Usage, "", "%s and %s exclude each other", fault.Option("node_type"), fault.Option("node"))
	}
	return nil
}

// fields are those that the decisions of this package need.
var fields = []string{
	"uuid", "name", "provision_state", "target_provision_state", "power_state", "last_error", "maintenance", "fault", "reservation",
	"resource_class", "traits", "instance_uuid", "driver", "boot_interface", "deploy_interface", "automated_clean", "properties", "extra",
	"driver_info", "instance_info",
}

// nodes are those that are chosen, in the service's order; all of the cloud's for an empty selection.
func (s *Site) nodes(ctx context.Context, sel Selection) ([]*ironic.Node, error) {
	all, err := s.Nodes.Nodes(ctx, fields, url.Values{})
	if err != nil {
		return nil, err
	}
	switch {
	case len(sel.Nodes) > 0:
		return named(all, sel.Nodes)
	case sel.Type == "":
		return all, nil
	}
	for _, has := range typeOf {
		var found []*ironic.Node
		for _, n := range all {
			if has(n, sel.Type) {
				found = append(found, n)
			}
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	types := Types(all)
	advice := fault.Advise("check the credentials: nodes are shown to administrators only")
	if len(types) > 0 {
		advice = fault.Advise("there are: %s", strings.Join(types, ", "))
	}
	return nil, fault.New(fault.NotFound, advice, "no node has the type, resource class or trait %q", sel.Type)
}

func named(all []*ironic.Node, names []string) ([]*ironic.Node, error) {
	var found []*ironic.Node
	seen := map[string]bool{}
	for _, name := range names {
		var n *ironic.Node
		for _, one := range all {
			if one.ID == name || one.Name == name {
				n = one
			}
		}
		if n == nil {
			return nil, fault.New(fault.NotFound, "check its name, and that the credentials are an administrator's", "no node %q", name)
		}
		if !seen[n.ID] {
			found = append(found, n)
		}
		seen[n.ID] = true
	}
	return found, nil
}
