package nova

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// ServerThing is how the server that a run boots under a name is found and removed; force skips the time in
// which a deleted server can be restored.
func ServerThing(sc *gophercloud.ServiceClient, run cloud.Run, name string, force bool) *cloud.Thing {
	return &cloud.Thing{
		Kind: "server",
		Find: func(ctx context.Context) ([]string, error) { return findServers(ctx, sc, run, name) },
		Delete: func(ctx context.Context, id string) error {
			if force {
				return servers.ForceDelete(cloud.Repeatable(ctx), sc, id).ExtractErr()
			}
			return servers.Delete(ctx, sc, id).ExtractErr()
		},
		Gone: func(ctx context.Context, id string) (bool, error) { return cloud.ServerDeleted(ctx, sc, id) },
	}
}

func findServers(ctx context.Context, sc *gophercloud.ServiceClient, run cloud.Run, name string) ([]string, error) {
	pages, err := servers.List(sc, servers.ListOpts{Name: "^" + regexp.QuoteMeta(name) + "$"}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	all, err := servers.ExtractServers(pages)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range all {
		if s.Metadata[cloud.RunKey] == string(run) {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}

// KeyPairThing is how a run's key pair is found and removed. One of the same name with another public key isn't
// the run's.
func KeyPairThing(sc *gophercloud.ServiceClient, name, public string) *cloud.Thing {
	return &cloud.Thing{
		Kind: "key pair",
		Find: func(ctx context.Context) ([]string, error) {
			k, err := keypairs.Get(ctx, sc, name, nil).Extract()
			switch {
			case gophercloud.ResponseCodeIs(err, http.StatusNotFound):
				return nil, nil
			case err != nil:
				return nil, err
			case strings.TrimSpace(k.PublicKey) != strings.TrimSpace(public):
				return nil, nil
			}
			return []string{name}, nil
		},
		Delete: func(ctx context.Context, id string) error { return keypairs.Delete(ctx, sc, id, nil).ExtractErr() },
	}
}

// MakeKeyPair uploads the public key as thing, which KeyPairThing made with the same name and key.
func MakeKeyPair(ctx context.Context, sc *gophercloud.ServiceClient, thing *cloud.Thing, name, public string) error {
	_, err := thing.Make(ctx, func(ctx context.Context) (string, error) {
		return name, keypairs.Create(ctx, sc, keypairs.CreateOpts{Name: name, PublicKey: strings.TrimSpace(public)}).Err
	})
	return err
}

// MakeServer boots a server as thing, which ServerThing made, and returns its id.
func MakeServer(ctx context.Context, sc *gophercloud.ServiceClient, thing *cloud.Thing, name string, opts servers.CreateOptsBuilder,
	hints servers.SchedulerHintOptsBuilder,
) (string, error) {
	id, err := thing.Make(ctx, func(ctx context.Context) (string, error) {
		s, err := servers.Create(ctx, sc, opts, hints).Extract()
		if err != nil {
			return "", err
		}
		return s.ID, nil
	})
	if err != nil {
		return "", fmt.Errorf("booting server %q: %w", name, cloud.Classify(err))
	}
	return id, nil
}
