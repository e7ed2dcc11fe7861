package main

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// register plays Aquilon's hook until the context ends: it gives each new server that asks for a
// personality a host name, and says so in the server's metadata. The real one hears of servers
// from Nova's notifications.
func (s *site) register(ctx context.Context) error {
	for {
		if err := s.registerNew(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *site) registerNew(ctx context.Context) error {
	pages, err := servers.List(s.compute, nil).AllPages(ctx)
	if err != nil {
		return cloud.Classify(err)
	}
	all, err := servers.ExtractServers(pages)
	if err != nil {
		return err
	}
	for _, server := range all {
		if server.Status != "ACTIVE" || server.Metadata["AQ_PERSONALITY"] == "" || server.Metadata["AQ_STATUS"] != "" {
			continue
		}
		opts := servers.MetadataOpts{"HOSTNAMES": "vm-" + server.ID[:8] + ".example.com", "AQ_STATUS": "SUCCESS"}
		if _, err := servers.UpdateMetadata(ctx, s.compute, server.ID, opts).Extract(); err != nil {
			return cloud.Classify(err)
		}
	}
	return nil
}
