package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// release is that of test/openstack, which the sandbox follows.
const release = "stable/zed"

// OnSandbox starts a sandbox whose servers have states, and no inside.
func OnSandbox(ctx context.Context, role string) (env []string, done func(), err error) {
	seed := sandbox.DefaultSeed()
	seed.Images = []sandbox.Image{{Project: "admin", Name: "tiny", Visibility: "public", DiskFormat: "qcow2", Data: make([]byte, 1<<20)}}
	c, err := sandbox.Start(ctx, sandbox.Options{Seed: seed})
	if err != nil {
		return nil, nil, err
	}
	env, err = environment(ctx, c.CloudsYAML(), map[string]string{"admin": "admin", "member": "demo"}[role])
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	return env, func() { c.Close() }, nil
}

// OnCloud reaches the cloud of test/openstack.
func OnCloud(file string) Opener {
	return func(ctx context.Context, role string) ([]string, func(), error) {
		env, err := environment(ctx, file, map[string]string{"admin": "admin", "member": "ci"}[role])
		return env, func() {}, err
	}
}

// environment is what the suite reads: how to sign in, and what to use.
func environment(ctx context.Context, file, cloud string) ([]string, error) {
	auth, where, tls, err := clouds.Parse(clouds.WithLocations(file), clouds.WithCloudName(cloud))
	if err != nil {
		return nil, err
	}
	provider, err := config.NewProviderClient(ctx, auth, config.WithTLSConfig(tls))
	if err != nil {
		return nil, err
	}
	f := finder{ctx: ctx}
	flavor := f.flavors(openstack.NewComputeV2(provider, where))
	image := f.image(openstack.NewImageV2(provider, where))
	network := f.networks(openstack.NewNetworkV2(provider, where))
	if f.err != nil {
		return nil, fmt.Errorf("looking up what the suite uses: %w", f.err)
	}
	env := []string{
		"OS_AUTH_URL=" + auth.IdentityEndpoint, "OS_USERNAME=" + auth.Username, "OS_PASSWORD=" + auth.Password,
		"OS_PROJECT_NAME=" + auth.TenantName, "OS_DOMAIN_NAME=Default", "OS_REGION_NAME=" + where.Region, "OS_BRANCH=" + release,
		"OS_IMAGE_ID=" + image, "OS_FLAVOR_ID=" + flavor["m1.tiny"], "OS_FLAVOR_ID_RESIZE=" + flavor["m1.small"],
		"OS_POOL_NAME=public", "OS_EXTGW_ID=" + network["public"].ID, "OS_NETWORK_NAME=private", "OS_NETWORK_ID=" + network["private"].ID,
	}
	if subnets := network["private"].Subnets; len(subnets) > 0 {
		env = append(env, "OS_SUBNET_ID="+subnets[0])
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "OS_") {
			env = append(env, v)
		}
	}
	return env, nil
}

// finder looks things up; after an error it finds nothing.
type finder struct {
	ctx context.Context
	err error
}

func (f *finder) flavors(sc *gophercloud.ServiceClient, err error) map[string]string {
	if f.err = err; err != nil {
		return nil
	}
	found := map[string]string{}
	pages, err := flavors.ListDetail(sc, nil).AllPages(f.ctx)
	if err == nil {
		var all []flavors.Flavor
		all, err = flavors.ExtractFlavors(pages)
		for _, one := range all {
			found[one.Name] = one.ID
		}
	}
	f.err = err
	return found
}

func (f *finder) image(sc *gophercloud.ServiceClient, err error) string {
	if f.err != nil || err != nil {
		f.err = firstOf(f.err, err)
		return ""
	}
	pages, err := images.List(sc, images.ListOpts{Name: "tiny"}).AllPages(f.ctx)
	if err == nil {
		var all []images.Image
		if all, err = images.ExtractImages(pages); err == nil && len(all) > 0 {
			return all[0].ID
		}
	}
	f.err = firstOf(err, fmt.Errorf("no image is called tiny"))
	return ""
}

func (f *finder) networks(sc *gophercloud.ServiceClient, err error) map[string]networks.Network {
	if f.err != nil || err != nil {
		f.err = firstOf(f.err, err)
		return nil
	}
	found := map[string]networks.Network{}
	pages, err := networks.List(sc, nil).AllPages(f.ctx)
	if err == nil {
		var all []networks.Network
		all, err = networks.ExtractNetworks(pages)
		for _, one := range all {
			found[one.Name] = one
		}
	}
	f.err = err
	return found
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
