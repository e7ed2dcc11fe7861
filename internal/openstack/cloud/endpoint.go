package cloud

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// service is how one service appears in catalogs. Its version is taken as known: asking each
// service for its versions would be a request more per service.
type service struct {
	name    string
	types   []string // in order of preference
	version string   // the path that the API's resources are below
}

var (
	imageService        = service{"image", []string{"image"}, "v2/"}
	computeService      = service{"compute", []string{"compute"}, "v2.1/"}
	networkService      = service{"network", []string{"network", "networking"}, "v2.0/"}
	blockStorageService = service{"block-storage", []string{"block-storage", "volumev3", "block-store", "volume"}, "v3/"}
)

// Image is a client of the Image service (Glance v2). It makes no request.
func (c *Cloud) Image() (*gophercloud.ServiceClient, error) { return c.client(imageService) }

// Compute is a client of the Compute service (Nova v2.1). It makes no request.
func (c *Cloud) Compute() (*gophercloud.ServiceClient, error) { return c.client(computeService) }

// Network is a client of the Networking service (Neutron v2.0). It makes no request.
func (c *Cloud) Network() (*gophercloud.ServiceClient, error) { return c.client(networkService) }

// BlockStorage is a client of the Block Storage service (Cinder v3). It makes no request.
func (c *Cloud) BlockStorage() (*gophercloud.ServiceClient, error) {
	return c.client(blockStorageService)
}

// Identity is a client of the Identity service (Keystone v3) at the address of the token.
func (c *Cloud) Identity() *gophercloud.ServiceClient {
	return &gophercloud.ServiceClient{ProviderClient: c.provider, Endpoint: c.provider.IdentityBase + "v3/", Type: "identity"}
}

func (c *Cloud) client(s service) (*gophercloud.ServiceClient, error) {
	url, err := c.endpoint(s)
	if err != nil {
		return nil, err
	}
	sc := &gophercloud.ServiceClient{ProviderClient: c.provider, Endpoint: url, Type: s.name}
	if !versioned(url) {
		sc.ResourceBase = url + s.version
		// Compute and block storage are asked by Endpoint alone in places.
		sc.Endpoint = sc.ResourceBase
	}
	return sc, nil
}

// versioned reports whether the URL's path has a version already, such as /image/v2/ or
// /v2.1/PROJECT/.
func versioned(url string) bool {
	for part := range strings.SplitSeq(url, "/") {
		if len(part) > 1 && part[0] == 'v' && part[1] >= '0' && part[1] <= '9' {
			return true
		}
	}
	return false
}

func (c *Cloud) endpoint(s service) (string, error) {
	for _, kind := range s.types {
		if url := c.overrides[kind]; url != "" {
			return gophercloud.NormalizeURL(url), nil
		}
	}
	regions, interfaces := map[string]bool{}, map[string]bool{}
	for _, kind := range s.types {
		for _, entry := range c.catalog.Entries {
			if entry.Type != kind {
				continue
			}
			for _, e := range entry.Endpoints {
				region := cmp.Or(e.Region, e.RegionID)
				regions[region], interfaces[e.Interface] = true, true
				if e.Interface != string(c.avail) || c.region != "" && c.region != e.Region && c.region != e.RegionID {
					continue
				}
				if url := gophercloud.NormalizeURL(e.URL); !outdated(url, s) {
					return url, nil
				}
			}
		}
	}
	if len(regions) == 0 {
		return "", fault.New(fault.NotFound, "", "cloud %q has no %s service in its catalog", c.name, s.name)
	}
	return "", fault.New(fault.NotFound, fault.Advise("choose with %s and %s", fault.Option("region"), fault.Option("endpoint_type")),
		"cloud %q has no %s endpoint of the %s service in region %q (regions there: %s; endpoint types: %s)",
		c.name, c.avail, s.name, c.region, list(regions), list(interfaces))
}

// outdated tells the volume service's old endpoints, which some catalogs still have.
func outdated(url string, s service) bool {
	return s.name == blockStorageService.name && (strings.Contains(url, "/v1/") || strings.Contains(url, "/v2/"))
}

func list(set map[string]bool) string {
	return fmt.Sprint(strings.Join(slices.Sorted(maps.Keys(set)), ", "))
}
