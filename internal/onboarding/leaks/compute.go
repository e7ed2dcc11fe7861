package leaks

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// launchPrefix begins the names of the key pairs that OpenDev's launch-node.py makes for one launch.
const launchPrefix = "launch-"

func once[T any](do func() (T, error)) func() (T, error) { return sync.OnceValues(do) }

// listServers are the ids of the project's servers, and of the images that they were booted from.
func listServers(ctx context.Context, c *cloud.Cloud) (map[string]bool, error) {
	sc, err := c.Compute()
	if err != nil {
		return nil, err
	}
	all, err := nova.Servers(ctx, sc)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, s := range all {
		ids[s.ID] = true
		if id, ok := s.Image["id"].(string); ok {
			ids[id] = true
		}
	}
	return ids, nil
}

// keyPairs lists the user's key pairs that were made for one launch. They belong to no project.
func keyPairs(ctx context.Context, p *project) ([]*Leak, error) {
	sc, err := p.Compute()
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
	var found []*Leak
	for _, k := range all {
		if !strings.HasPrefix(k.Name, launchPrefix) {
			continue
		}
		created, err := madeAt(ctx, sc, k.Name)
		if err != nil {
			return nil, err
		}
		found = append(found, &Leak{
			Kind: KeyPair, ID: k.Name, Name: k.Name, Created: created, Why: "it was made for the launch of one server",
			still: func(ctx context.Context) (bool, error) {
				now, err := keypairs.Get(ctx, sc, k.Name, nil).Extract()
				return err == nil && now.Fingerprint == k.Fingerprint, err
			},
			remove: func(ctx context.Context) error { return keypairs.Delete(ctx, sc, k.Name, nil).ExtractErr() },
		})
	}
	return found, nil
}

// madeAt is when a key pair was made, which only the answer about a single one tells; zero if it has just gone.
func madeAt(ctx context.Context, sc *gophercloud.ServiceClient, name string) (time.Time, error) {
	var detail struct {
		KeyPair struct {
			CreatedAt string `json:"created_at"`
		} `json:"keypair"`
	}
	err := cloud.Classify(keypairs.Get(ctx, sc, name, nil).ExtractInto(&detail))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return time.Time{}, fmt.Errorf("reading key pair %q: %w", name, err)
	}
	created, _ := time.Parse("2006-01-02T15:04:05.999999", detail.KeyPair.CreatedAt) // unreadable is as good as none
	return created, nil
}
