// Package magnum is the client of the Container Infrastructure Management service.
//
// API: https://docs.openstack.org/api-ref/container-infrastructure-management/
package magnum

import (
	"context"
	"fmt"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// pageSize is the most that the service gives in one page by default.
const pageSize = "1000"

// ClusterTemplate is what a list tells of a cluster template.
type ClusterTemplate struct {
	ID        string `json:"uuid"`
	Name      string `json:"name"`
	ProjectID string `json:"project_id"`
	Image     string `json:"image_id"` // an id or a name, as its author gave it
}

// EachClusterTemplate hands over the cluster templates page by page: those of all projects to administrators,
// the project's and public ones to others. restart is called whenever it starts over.
func EachClusterTemplate(ctx context.Context, sc *gophercloud.ServiceClient, restart func(), take func([]ClusterTemplate) error) error {
	err := listing.Each(ctx, sc, listing.List{
		Path: "clustertemplates/detail", Queries: []url.Values{{"limit": {pageSize}}}, Key: "clustertemplates", Restart: restart,
		Headers: map[string]string{"OpenStack-API-Version": "container-infra 1.1"},
	}, take)
	if err != nil {
		return fmt.Errorf("listing cluster templates: %w", err)
	}
	return nil
}
