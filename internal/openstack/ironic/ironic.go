// Package ironic is the client of the Bare Metal service.
//
// API: https://docs.openstack.org/api-ref/baremetal/
package ironic

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

const (
	versionHeader = "X-OpenStack-Ironic-API-Version"
	newest        = 78 // the newest microversion 1.x whose answers this package knows
	pageSize      = "1000"
)

// Client speaks to one cloud's Bare Metal service.
type Client struct {
	sc    *gophercloud.ServiceClient
	minor int // of the microversion 1.x that both sides know
}

// New makes a client and agrees with the service on the newest microversion that both know, in one request.
func New(ctx context.Context, sc *gophercloud.ServiceClient) (*Client, error) {
	var root struct {
		Version struct {
			Version string `json:"version"` // the service's newest
		} `json:"version"`
	}
	//nolint:bodyclose // gophercloud closes what it decodes
	resp, err := sc.Get(ctx, strings.TrimSuffix(sc.ServiceURL(), "/"), &root, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	_, header, err := gophercloud.ParseResponse(resp, err)
	if err != nil {
		return nil, fmt.Errorf("asking the Bare Metal service for its version: %w", cloud.Classify(err))
	}
	most := root.Version.Version
	if most == "" {
		most = header.Get("X-OpenStack-Ironic-API-Maximum-Version")
	}
	minor, found := strings.CutPrefix(most, "1.")
	n, err := strconv.Atoi(minor)
	if !found || err != nil {
		return nil, fault.New(fault.Unavailable, "", "the Bare Metal service says that its version is %q", most)
	}
	return &Client{sc: sc, minor: min(n, newest)}, nil
}

// Minor is the second number of the microversion 1.x in use.
func (c *Client) Minor() int { return c.minor }

func (c *Client) headers() map[string]string {
	return map[string]string{versionHeader: "1." + strconv.Itoa(c.minor)}
}

// Node is what a list tells of a node.
type Node struct {
	ID             string         `json:"uuid"`
	Name           string         `json:"name"`
	ProvisionState string         `json:"provision_state"`
	Maintenance    bool           `json:"maintenance"`
	ResourceClass  string         `json:"resource_class"`
	Owner          string         `json:"owner"`
	DriverInfo     map[string]any `json:"driver_info"`   // passwords are masked
	InstanceInfo   map[string]any `json:"instance_info"` // of what is deployed on it
	InstanceID     string         `json:"instance_uuid"`
}

// fields are those of Node; asking for them spares the others, which are large.
var fields = []string{
	"uuid", "name", "provision_state", "maintenance", "resource_class", "owner", "driver_info", "instance_info",
	"instance_uuid",
}

// since are the microversions that brought some of the fields.
var since = map[string]int{"name": 5, "resource_class": 21, "owner": 50}

// EachNode hands over the nodes that the user may see, page by page. restart is called whenever it starts over.
func (c *Client) EachNode(ctx context.Context, restart func(), take func([]Node) error) error {
	query := url.Values{"limit": {pageSize}}
	path := "nodes/detail"
	if c.minor >= 8 { // the first that knows fields
		var wanted []string
		for _, f := range fields {
			if c.minor >= since[f] {
				wanted = append(wanted, f)
			}
		}
		path = "nodes"
		query.Set("fields", strings.Join(wanted, ","))
	}
	err := listing.Each(ctx, c.sc, listing.List{
		Path: path, Queries: []url.Values{query}, Key: "nodes", Restart: restart, Headers: c.headers(),
	}, take)
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	return nil
}
