package nova

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Servers lists the servers that the credentials' project has, with all that Nova tells of each. Without
// all_tenants, an administrator, too, is shown no other project's.
func Servers(ctx context.Context, sc *gophercloud.ServiceClient) ([]servers.Server, error) {
	pages, err := servers.List(sc, servers.ListOpts{}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing servers: %w", cloud.Classify(err))
	}
	all, err := servers.ExtractServers(pages)
	if err != nil {
		return nil, fmt.Errorf("listing servers: %w", err)
	}
	return all, nil
}
