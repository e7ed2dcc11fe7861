// Command seed gives a fresh cloud its accounts, its catalog, its flavors and its network.
//
//	seed accounts < accounts   lines of: user project domain role region
//	seed cloud                 flavors, networks, security groups; needs Nova and Neutron
//	seed image FILE            the guest, as a public image
//	seed baremetal             Ironic's place in the catalog, and nodes
//
// It acts as the clouds "admin" and "elsewhere-admin" of clouds.yaml. Accounts and flavors that it finds in place it leaves alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if len(os.Args) < 2 {
		log.Fatal("usage: seed accounts|cloud|image FILE|baremetal")
	}
	if err := run(ctx, os.Args[1], os.Args[2:]); err != nil {
		log.Fatalf("seed: %v", err)
	}
}

func run(ctx context.Context, part string, args []string) error {
	admin, password, err := connect(ctx, "admin")
	if err != nil {
		return err
	}
	switch part {
	case "accounts":
		accounts, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		if err := seedIdentity(ctx, admin, password, "RegionOne", string(accounts)); err != nil {
			return err
		}
		elsewhere, password, err := connect(ctx, "elsewhere-admin")
		if err != nil {
			return err
		}
		if err := seedIdentity(ctx, elsewhere, password, "Elsewhere", string(accounts)); err != nil {
			return err
		}
		return seedLimits(ctx, elsewhere, "Elsewhere")
	case "cloud":
		if err := seedFlavors(ctx, admin); err != nil {
			return err
		}
		if err := seedNetworks(ctx, admin); err != nil {
			return err
		}
		return seedGroups(ctx, admin)
	case "baremetal":
		return seedBaremetal(ctx, admin, password)
	case "image":
		if len(args) != 1 {
			return errors.New("image: want the file")
		}
		return seedImage(ctx, admin, args[0])
	}
	return fmt.Errorf("no such part: %q", part)
}

// connect returns an entry of clouds.yaml's client and the password that every account of this cloud shares.
func connect(ctx context.Context, cloud string) (*gophercloud.ProviderClient, string, error) {
	auth, _, tlsConfig, err := clouds.Parse(clouds.WithCloudName(cloud))
	if err != nil {
		return nil, "", fmt.Errorf("connecting as %q: %w", cloud, err)
	}
	client, err := config.NewProviderClient(ctx, auth, config.WithTLSConfig(tlsConfig))
	if err != nil {
		return nil, "", fmt.Errorf("connecting as %q: %w", cloud, err)
	}
	return client, auth.Password, nil
}
