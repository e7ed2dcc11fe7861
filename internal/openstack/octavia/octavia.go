// Package octavia is the client of the Load Balancer service.
//
// API: https://docs.openstack.org/api-ref/load-balancer/v2/
package octavia

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// pageSize is the most that the service gives in one page by default.
const pageSize = "1000"

// Amphora is what a list tells of a server that balances load.
type Amphora struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	Image      string `json:"image_id"`
	ServerID   string `json:"compute_id"`
	BalancerID string `json:"loadbalancer_id"`
}

// EachAmphora hands over the amphorae page by page, which only administrators may list. restart is called
// whenever it starts over.
func EachAmphora(ctx context.Context, sc *gophercloud.ServiceClient, restart func(), take func([]Amphora) error) error {
	return each(ctx, sc, listing.List{Path: "octavia/amphorae", Key: "amphorae", Restart: restart}, take)
}

// FlavorProfile is what a flavor of load balancers stands for.
type FlavorProfile struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Data string `json:"flavor_data"` // JSON
}

// ImageTag is the tag by which the flavor's images are found, "" for the service's default one.
func (p FlavorProfile) ImageTag() (string, error) {
	var data struct {
		Tag string `json:"amp_image_tag"`
	}
	if err := json.Unmarshal([]byte(p.Data), &data); err != nil {
		return "", fmt.Errorf("reading flavor profile %q: %w", p.Name, err)
	}
	return data.Tag, nil
}

// EachFlavorProfile is EachAmphora for flavor profiles.
func EachFlavorProfile(ctx context.Context, sc *gophercloud.ServiceClient, restart func(), take func([]FlavorProfile) error) error {
	return each(ctx, sc, listing.List{
		Path: "lbaas/flavorprofiles", Key: "flavorprofiles", Links: "flavorprofile_links", Restart: restart,
	}, take)
}

func each[T any](ctx context.Context, sc *gophercloud.ServiceClient, list listing.List, take func([]T) error) error {
	list.Queries = []url.Values{{"limit": {pageSize}}}
	if err := listing.Each(ctx, sc, list, take); err != nil {
		return fmt.Errorf("listing %s: %w", list.Key, err)
	}
	return nil
}
