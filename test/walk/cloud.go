// Package walk makes what a Terraform configuration of a server makes — a network, a router, a port, a server, a floating
// IP, a volume that is attached, a snapshot and an image — and deletes it in the opposite order: with gophercloud, and, in
// walk.py, with openstacksdk for Python.
package walk

import (
	"context"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
)

// Cloud has the clients of one cloud.
type Cloud struct {
	Compute, Network, Volume, Image *gophercloud.ServiceClient
}

// Connect signs in to a cloud of a clouds.yaml.
func Connect(ctx context.Context, file, name string) (*Cloud, error) {
	auth, where, tls, err := clouds.Parse(clouds.WithLocations(file), clouds.WithCloudName(name))
	if err != nil {
		return nil, err
	}
	provider, err := config.NewProviderClient(ctx, auth, config.WithTLSConfig(tls))
	if err != nil {
		return nil, err
	}
	var c Cloud
	for _, s := range []struct {
		client **gophercloud.ServiceClient
		open   func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
	}{
		{&c.Compute, openstack.NewComputeV2},
		{&c.Network, openstack.NewNetworkV2},
		{&c.Volume, openstack.NewBlockStorageV3},
		{&c.Image, openstack.NewImageV2},
	} {
		if *s.client, err = s.open(provider, where); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// until reads a status until it is the wanted one, or until the object is gone if that is empty.
func until(ctx context.Context, what, wanted string, read func() (string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	for {
		status, err := read()
		switch {
		case wanted == "" && gophercloud.ResponseCodeIs(err, 404), err == nil && status == wanted:
			return nil
		case err != nil:
			return fmt.Errorf("reading the %s: %w", what, err)
		case status == "ERROR" || status == "error":
			return fmt.Errorf("the %s is in %s", what, status)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the %s is %s instead of %q: %w", what, status, wanted, ctx.Err())
		}
	}
}
