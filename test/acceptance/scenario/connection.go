package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
)

// connection is one person's access. It judges the product, so it shares no code with it.
type connection struct {
	project                  string
	images, compute, network *gophercloud.ServiceClient
	volume, baremetal        *gophercloud.ServiceClient // nil if there is no such service
	catalog                  *tokens.ServiceCatalog
}

func connect(ctx context.Context, file, name string) (*connection, error) {
	auth, endpoint, tls, err := clouds.Parse(clouds.WithLocations(file), clouds.WithCloudName(name))
	if err != nil {
		return nil, err
	}
	auth.AllowReauth = true
	provider, err := config.NewProviderClient(ctx, auth, config.WithTLSConfig(tls))
	if err != nil {
		return nil, err
	}
	answer, ok := provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		return nil, fmt.Errorf("%q: not a token of Keystone's version 3", name)
	}
	project, err := answer.ExtractProject()
	if err != nil {
		return nil, err
	}
	c := &connection{project: project.ID}
	if c.catalog, err = answer.ExtractServiceCatalog(); err != nil {
		return nil, err
	}
	for _, service := range []struct {
		client **gophercloud.ServiceClient
		open   func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
	}{{&c.images, openstack.NewImageV2}, {&c.compute, openstack.NewComputeV2}, {&c.network, openstack.NewNetworkV2}} {
		if *service.client, err = service.open(provider, endpoint); err != nil {
			return nil, err
		}
	}
	if slices.Contains(c.services(), "volumev3") {
		if c.volume, err = openstack.NewBlockStorageV3(provider, endpoint); err != nil {
			return nil, err
		}
	}
	if slices.Contains(c.services(), "baremetal") {
		c.baremetal, err = openstack.NewBareMetalV1(provider, endpoint)
		if err == nil {
			c.baremetal.Microversion = "1.52"
		}
	}
	return c, err
}

// services are the types in the catalog.
func (c *connection) services() (types []string) {
	for _, e := range c.catalog.Entries {
		types = append(types, e.Type)
	}
	return types
}

// list is every image that fits, hidden ones too.
func (c *connection) list(ctx context.Context, opts images.ListOpts) (all []images.Image, err error) {
	for _, hidden := range []bool{false, true} {
		opts.Hidden = hidden
		pages, err := images.List(c.images, opts).AllPages(ctx)
		if err != nil {
			return nil, err
		}
		found, err := images.ExtractImages(pages)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// image is the one that has the id, or else the only one that has exactly the name: the project's
// own, or one that is shared with it.
func (c *connection) image(ctx context.Context, id string) (*images.Image, error) {
	if strings.Count(id, "-") == 4 && len(id) == 36 {
		return images.Get(ctx, c.images, id).Extract()
	}
	all, err := c.list(ctx, images.ListOpts{Name: id})
	if err != nil {
		return nil, err
	}
	exact := slices.DeleteFunc(all, func(i images.Image) bool { return i.Name != id })
	if own := slices.DeleteFunc(slices.Clone(exact), func(i images.Image) bool { return i.Owner != c.project }); len(own) > 0 {
		exact = own
	}
	if len(exact) == 0 { // pending ones are found by asking for them
		opts := images.ListOpts{Name: id, Visibility: images.ImageVisibilityShared, MemberStatus: images.ImageMemberStatusAll}
		if exact, err = c.list(ctx, opts); err != nil {
			return nil, err
		}
	}
	if len(exact) != 1 {
		return nil, fmt.Errorf("%d images are called %q", len(exact), id)
	}
	return &exact[0], nil
}
