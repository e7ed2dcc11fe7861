package cloud

import (
	"cmp"
	"maps"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Endpoint is one address of the catalog.
type Endpoint struct {
	Service   string // as people call it: image, compute, network, block-storage and so on; another's is its type
	Region    string
	Interface string // public, internal or admin
	URL       string
}

// Endpoints are the catalog's, whatever their region.
func (c *Cloud) Endpoints() []Endpoint {
	var all []Endpoint
	for _, entry := range c.catalog.Entries {
		name := entry.Type
		for _, s := range services {
			if slices.Contains(s.types, entry.Type) {
				name = s.name
			}
		}
		for _, e := range entry.Endpoints {
			all = append(all, Endpoint{name, cmp.Or(e.Region, e.RegionID), e.Interface, e.URL})
		}
	}
	return all
}

// Regions are the ids of the catalog's regions, sorted.
func (c *Cloud) Regions() []string {
	all := map[string]bool{}
	for _, e := range c.Endpoints() {
		all[e.Region] = true
	}
	delete(all, "")
	return slices.Sorted(maps.Keys(all))
}

// In is the same connection, with the services of another region. One that the catalog doesn't have is
// fault.NotFound. Close only the connection that it was made of.
func (c *Cloud) In(region string) (*Cloud, error) {
	regions := c.regions()
	if !regions[region] {
		return nil, fault.New(fault.NotFound, fault.Advise("choose with %s", fault.Option("region")),
			"cloud %q has no region %q (regions there: %s)", c.name, region, list(regions))
	}
	there := *c
	there.region = region
	if region != c.region {
		there.overrides, there.services = nil, nil // they are about the other region
	}
	return &there, nil
}

// IdentityURL is Keystone's address, without its version.
func (c *Cloud) IdentityURL() string { return c.provider.IdentityBase }

// Verified says how the services' certificates are verified: not at all, or by authorities of the cloud's own
// instead of the system's.
func (c *Cloud) Verified() (at, own bool) { return !c.trust.insecure, len(c.trust.caCert) > 0 }
