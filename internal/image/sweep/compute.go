package sweep

import (
	"context"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// findServers lists the project's servers that have a run's marks in their metadata. Without
// all_tenants an administrator, too, is shown no other project's.
func findServers(ctx context.Context, c *cloud.Cloud) ([]*Leftover, error) {
	sc, err := service(c.Compute)
	if err != nil {
		return nil, err
	}
	all, err := nova.Servers(ctx, sc)
	if err != nil {
		return nil, err
	}
	var found []*Leftover
	for _, s := range all {
		marks, ok := cloud.MetadataMarks(s.Metadata)
		if !ok || s.TenantID != c.Project().ID {
			continue
		}
		found = append(found, &Leftover{
			Kind: Server, ID: s.ID, Name: s.Name, Run: marks.Run, Created: s.Created, Deadline: marks.Deadline, Action: Delete,
			ours: func(ctx context.Context) error {
				now, err := servers.Get(ctx, sc, s.ID).Extract()
				if err != nil {
					return err
				}
				return still(marks.Run, cloud.Run(now.Metadata[cloud.RunKey]))
			},
			remove: func(ctx context.Context) error { return servers.Delete(ctx, sc, s.ID).ExtractErr() },
			gone:   func(ctx context.Context) (bool, error) { return cloud.ServerDeleted(ctx, sc, s.ID) },
		})
	}
	return found, nil
}

// findKeyPairs lists the user's key pairs whose names are a run's mark. They belong to no project.
func findKeyPairs(ctx context.Context, c *cloud.Cloud) ([]*Leftover, error) {
	sc, err := service(c.Compute)
	if err != nil {
		return nil, err
	}
	pages, err := keypairs.List(sc, nil).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing key pairs: %w", cloud.Classify(err))
	}
	all, err := keypairs.ExtractKeyPairs(pages)
	if err != nil {
		return nil, fmt.Errorf("listing key pairs: %w", err)
	}
	var found []*Leftover
	for _, k := range all {
		run, ok := cloud.NamedRun(k.Name)
		if !ok {
			continue
		}
		// Only the answer about a single one says when it was made.
		var detail struct {
			KeyPair struct {
				CreatedAt string `json:"created_at"`
			} `json:"keypair"`
		}
		err := cloud.Classify(keypairs.Get(ctx, sc, k.Name, nil).ExtractInto(&detail))
		if err != nil && !fault.Is(err, fault.NotFound) { // one that has just gone doesn't stop the sweep
			return nil, fmt.Errorf("reading key pair %q: %w", k.Name, err)
		}
		created, _ := time.Parse("2006-01-02T15:04:05.999999", detail.KeyPair.CreatedAt) // unreadable is as good as none
		found = append(found, &Leftover{
			Kind: KeyPair, ID: k.Name, Name: k.Name, Run: run, Created: created, Action: Delete,
			ours:   func(context.Context) error { return nil }, // the name is the mark, and never changes
			remove: func(ctx context.Context) error { return removeKeyPair(ctx, sc, k.Name) },
		})
	}
	return found, nil
}

// removeKeyPair deletes a key pair. That it isn't there is believed only if reading says so too: once the other
// objects of its run are gone, it has no deadline, and the next sweep would keep it for days.
func removeKeyPair(ctx context.Context, sc *gophercloud.ServiceClient, name string) error {
	err := cloud.Classify(keypairs.Delete(ctx, sc, name, nil).ExtractErr())
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	if _, err := keypairs.Get(ctx, sc, name, nil).Extract(); err != nil {
		return err
	}
	return fmt.Errorf("key pair %q is still there, although the service denied it", name)
}
