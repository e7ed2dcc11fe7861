package check

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/quota"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// side is what one project sees in one region.
type side struct {
	cloud *cloud.Cloud // the connection as it is in the user's file
	there *cloud.Cloud // in the region; nil if the catalog doesn't have it

	quotas   fact[*quota.Quotas]
	flavors  fact[[]flavors.Flavor]
	keys     fact[[]keypairs.KeyPair]
	zones    fact[[]string]
	networks fact[[]network]
	subnets  fact[[]subnets.Subnet]
	groups   fact[[]groups.SecGroup] // those named default
	free     fact[map[string]int64]  // addresses by network, where the cloud tells
	methods  fact[[]string]          // of import
	schema   fact[schema]
}

// fact is something that was read, or why it couldn't be.
type fact[T any] struct {
	value T
	err   error
}

// network is a network, with whether it leads outside.
type network struct {
	networks.Network
	external.NetworkExternalExt
}

func newSide(c, there *cloud.Cloud) *side { return &side{cloud: c, there: there} }

// volumes reports whether servers can boot from volumes.
func (s *side) volumes() bool {
	if s.there == nil {
		return false
	}
	_, err := s.there.BlockStorage()
	return err == nil
}

// read reads all facts at once.
func (s *side) read(ctx context.Context) {
	if s.there == nil {
		err := fmt.Errorf("cloud %q doesn't have the region", s.cloud.Name())
		s.quotas.err, s.flavors.err, s.keys.err, s.zones.err, s.networks.err = err, err, err, err, err
		s.subnets.err, s.groups.err, s.free.err, s.methods.err, s.schema.err = err, err, err, err, err
		return
	}
	var g errgroup.Group
	g.Go(func() error { s.quotas.value, s.quotas.err = quota.Read(ctx, s.there); return nil })
	for _, part := range []struct {
		client func() (*gophercloud.ServiceClient, error)
		read   []func(ctx context.Context, sc *gophercloud.ServiceClient)
		failed func(err error)
	}{
		{s.there.Compute, []func(context.Context, *gophercloud.ServiceClient){s.readFlavors, s.readKeys, s.readZones}, func(err error) {
			s.flavors.err, s.keys.err, s.zones.err = err, err, err
		}},
		{s.there.Network, []func(context.Context, *gophercloud.ServiceClient){
			s.readNetworks, s.readSubnets, s.readGroups, s.readFree,
		}, func(err error) { s.networks.err, s.subnets.err, s.groups.err, s.free.err = err, err, err, err }},
		{s.there.Image, []func(context.Context, *gophercloud.ServiceClient){s.readMethods, s.readSchema}, func(err error) {
			s.methods.err, s.schema.err = err, err
		}},
	} {
		sc, err := part.client()
		if err != nil {
			part.failed(err)
			continue
		}
		for _, read := range part.read {
			g.Go(func() error { read(ctx, sc); return nil })
		}
	}
	_ = g.Wait() // they return nil
}

func (s *side) readFlavors(ctx context.Context, sc *gophercloud.ServiceClient) {
	pages, err := flavors.ListDetail(sc, nil).AllPages(ctx)
	if err == nil {
		s.flavors.value, err = flavors.ExtractFlavors(pages)
	}
	s.flavors.err = reading("flavors", err)
}

func (s *side) readKeys(ctx context.Context, sc *gophercloud.ServiceClient) {
	pages, err := keypairs.List(sc, nil).AllPages(ctx)
	if err == nil {
		s.keys.value, err = keypairs.ExtractKeyPairs(pages)
	}
	s.keys.err = reading("key pairs", err)
}

func (s *side) readZones(ctx context.Context, sc *gophercloud.ServiceClient) {
	var body struct {
		Info []struct {
			Name  string                   `json:"zoneName"`
			State struct{ Available bool } `json:"zoneState"`
		} `json:"availabilityZoneInfo"`
	}
	s.zones.err = reading("availability zones", get(ctx, sc, sc.ServiceURL("os-availability-zone"), &body))
	for _, z := range body.Info {
		if z.State.Available {
			s.zones.value = append(s.zones.value, z.Name)
		}
	}
}

func (s *side) readNetworks(ctx context.Context, sc *gophercloud.ServiceClient) {
	pages, err := networks.List(sc, nil).AllPages(ctx)
	if err == nil {
		err = networks.ExtractNetworksInto(pages, &s.networks.value)
	}
	s.networks.err = reading("networks", err)
}

func (s *side) readSubnets(ctx context.Context, sc *gophercloud.ServiceClient) {
	pages, err := subnets.List(sc, nil).AllPages(ctx)
	if err == nil {
		s.subnets.value, err = subnets.ExtractSubnets(pages)
	}
	s.subnets.err = reading("subnets", err)
}

func (s *side) readGroups(ctx context.Context, sc *gophercloud.ServiceClient) {
	pages, err := groups.List(sc, groups.ListOpts{Name: "default", ProjectID: s.there.Project().ID}).AllPages(ctx)
	if err == nil {
		s.groups.value, err = groups.ExtractGroups(pages)
	}
	s.groups.err = reading("security groups", err)
}

// readFree reads how many addresses networks have left, which most clouds tell only administrators.
func (s *side) readFree(ctx context.Context, sc *gophercloud.ServiceClient) {
	var body struct {
		All []struct {
			Network string  `json:"network_id"`
			Total   float64 `json:"total_ips"`
			Used    float64 `json:"used_ips"`
		} `json:"network_ip_availabilities"`
	}
	s.free.err = reading("free addresses", get(ctx, sc, sc.ServiceURL("network-ip-availabilities"), &body))
	s.free.value = map[string]int64{}
	for _, n := range body.All {
		s.free.value[n.Network] = int64(min(n.Total-n.Used, 1<<40)) // IPv6 has more than can be counted
	}
}

func (s *side) readMethods(ctx context.Context, sc *gophercloud.ServiceClient) {
	var body struct {
		Methods struct{ Value []string } `json:"import-methods"`
	}
	s.methods.err = reading("import methods", get(ctx, sc, sc.ServiceURL("info", "import"), &body))
	s.methods.value = body.Methods.Value
}

// schema is what Glance says images may have.
type schema struct {
	Properties map[string]struct{ Enum []any } `json:"properties"`
}

// values are the values that an attribute may have.
func (s schema) values(attribute string) []string {
	var all []string
	for _, v := range s.Properties[attribute].Enum {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

func (s *side) readSchema(ctx context.Context, sc *gophercloud.ServiceClient) {
	s.schema.err = reading("the images' schema", get(ctx, sc, sc.ServiceURL("schemas", "image"), &s.schema.value))
}

func get(ctx context.Context, sc *gophercloud.ServiceClient, url string, body any) error {
	resp, err := sc.Get(ctx, url, body, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func reading(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reading %s: %w", what, cloud.Classify(err))
}
