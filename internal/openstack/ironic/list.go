package ironic

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// references are the fields of a list that is about what nodes use; asking for them spares the others, which are
// large.
var references = []string{
	"uuid", "name", "provision_state", "maintenance", "resource_class", "owner", "driver_info", "instance_info", "instance_uuid",
}

// since are the microversions that brought some of the fields.
var since = map[string]int{
	"name": 5, "resource_class": 21, "boot_interface": 31, "deploy_interface": 31, "traits": 37, "fault": 42, "automated_clean": 47,
	"owner": 50,
}

// EachNode hands over the nodes that the user may see, page by page, with what they use and who owns them. restart
// is called whenever it starts over.
func (c *Client) EachNode(ctx context.Context, restart func(), take func([]Node) error) error {
	return c.each(ctx, references, nil, restart, take)
}

// Nodes lists all nodes that the user may see. fields are the names of those that are needed, such as "driver_info".
// filter has the service's parameters, such as provision_state; it may be nil.
func (c *Client) Nodes(ctx context.Context, fields []string, filter url.Values) ([]*Node, error) {
	var all []*Node
	err := c.each(ctx, fields, filter, func() { all = nil }, func(page []Node) error {
		for n := range page {
			if page[n].ID == "" && slices.Contains(fields, "uuid") {
				return fault.New(fault.Unavailable, "", "the service lists a node without a UUID")
			}
			all = append(all, &page[n])
		}
		return nil
	})
	return all, err
}

func (c *Client) each(ctx context.Context, fields []string, filter url.Values, restart func(), take func([]Node) error) error {
	query := url.Values{"limit": {pageSize}}
	maps.Copy(query, filter)
	path := "nodes/detail"
	if c.minor >= 8 { // the first that knows fields
		path = "nodes"
		query.Set("fields", strings.Join(slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return c.minor < since[f] }), ","))
	}
	list := listing.List{Path: path, Queries: []url.Values{query}, Key: "nodes", Restart: restart, Lossy: true}
	err := listing.Each(ctx, c.sc, list, take)
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	return nil
}
