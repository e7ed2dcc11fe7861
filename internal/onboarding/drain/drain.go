// Package drain follows a provider of nodepool that was disabled until the last of its servers is gone.
package drain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Metadata that nodepool gives its servers.
const (
	providerKey = "nodepool_provider_name"
	poolKey     = "nodepool_pool_name"
	nodeKey     = "nodepool_node_id"
)

// Server is a server of the provider.
type Server struct {
	ID, Name, Status, Pool, Node string
	Created                      time.Time
}

// Servers lists the servers of a provider in the project of the cloud's credentials, the oldest first.
func Servers(ctx context.Context, c *cloud.Cloud, provider string) ([]Server, error) {
	if provider == "" {
		return nil, fault.Bad("provider", "", "it is empty")
	}
	all, err := list(ctx, c)
	if err != nil {
		return nil, err
	}
	var found []Server
	for _, s := range all {
		if s.Metadata[providerKey] == provider {
			found = append(found, Server{s.ID, s.Name, s.Status, s.Metadata[poolKey], s.Metadata[nodeKey], s.Created})
		}
	}
	slices.SortFunc(found, func(a, b Server) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return found, nil
}

// Providers are those that have servers in the project, sorted.
func Providers(ctx context.Context, c *cloud.Cloud) (names []string, err error) {
	all, err := list(ctx, c)
	for _, s := range all {
		if name := s.Metadata[providerKey]; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

func list(ctx context.Context, c *cloud.Cloud) ([]servers.Server, error) {
	sc, err := c.Compute()
	if err != nil {
		return nil, err
	}
	return nova.Servers(ctx, sc)
}

// Wait waits until a provider has no servers. It returns those that are left if the timeout ends first, and whether there
// was one at all. rep hears of each change of their number. pace is how often to look.
func Wait(ctx context.Context, c *cloud.Cloud, provider string, timeout time.Duration, pace change.Pace, rep report.Reporter) (
	left []Server, seen bool, err error,
) {
	told := -1
	err = pace.Wait(ctx, fmt.Sprintf("the servers of provider %q to be gone", provider), timeout, func(ctx context.Context) (bool, error) {
		now, err := Servers(ctx, c, provider)
		if err != nil {
			return false, err
		}
		left, seen = now, seen || len(now) > 0
		if len(left) != told {
			told = len(left)
			rep.Step("Servers of provider %s: %d", provider, told)
		}
		return len(left) == 0, nil
	})
	return left, seen, err
}
