package cloud

import (
	"cmp"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// service is how one service appears in catalogs. Its version is fixed: asking for it would take one more
// request per service.
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
	baremetalService    = service{"baremetal", []string{"baremetal", "bare-metal"}, "v1/"}
	reservationService  = service{"reservation", []string{"reservation"}, "v1/"}
	inventoryService    = service{"inventory", []string{"inventory"}, "v1/"}
	stackService        = service{"orchestration", []string{"orchestration"}, "v1/"}
	clusterService      = service{"container-infrastructure-management", clusterTypes, "v1/"}
	balancerService     = service{"load-balancer", []string{"load-balancer"}, "v2/"}
	databaseService     = service{"database", []string{"database"}, "v1.0/"}
)

var clusterTypes = []string{"container-infrastructure-management", "container-infrastructure", "container-infra"}

var services = []service{
	imageService, computeService, networkService, blockStorageService,
	baremetalService, reservationService, inventoryService, stackService, clusterService, balancerService, databaseService,
}

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

// BareMetal is a client of the Bare Metal service (Ironic v1). It makes no request.
func (c *Cloud) BareMetal() (*gophercloud.ServiceClient, error) { return c.client(baremetalService) }

// Reservation is a client of the Reservation service (Blazar v1). It makes no request.
func (c *Cloud) Reservation() (*gophercloud.ServiceClient, error) {
	return c.client(reservationService)
}

// Inventory is a client of Chameleon's inventory of hardware (Doni v1). It makes no request.
func (c *Cloud) Inventory() (*gophercloud.ServiceClient, error) { return c.client(inventoryService) }

// Orchestration is a client of the Orchestration service (Heat v1). It makes no request.
func (c *Cloud) Orchestration() (*gophercloud.ServiceClient, error) { return c.client(stackService) }

// ContainerInfra is a client of the Container Infrastructure Management service (Magnum v1). It makes no
// request.
func (c *Cloud) ContainerInfra() (*gophercloud.ServiceClient, error) { return c.client(clusterService) }

// LoadBalancer is a client of the Load Balancer service (Octavia v2). It makes no request.
func (c *Cloud) LoadBalancer() (*gophercloud.ServiceClient, error) { return c.client(balancerService) }

// Database is a client of the Database service (Trove v1.0). It makes no request.
func (c *Cloud) Database() (*gophercloud.ServiceClient, error) { return c.client(databaseService) }

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
func versioned(address string) bool { return versionOf(address) != "" }

// versionOf is the last segment of the URL's path that is a version, "" if there is none. A host
// such as v2.cloud.example or a segment such as v1proxy is none.
func versionOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	segments := strings.Split(u.Path, "/")
	slices.Reverse(segments)
	if i := slices.IndexFunc(segments, version.MatchString); i >= 0 {
		return segments[i]
	}
	return ""
}

func (c *Cloud) endpoint(s service) (string, error) {
	special := c.services[s.name]
	if special.url != "" {
		return gophercloud.NormalizeURL(special.url), nil
	}
	for _, kind := range s.types {
		if url := c.overrides[kind]; url != "" {
			return gophercloud.NormalizeURL(url), nil
		}
	}
	region, avail := cmp.Or(special.region, c.region), cmp.Or(special.avail, c.avail)
	regions, interfaces, plain := map[string]bool{}, map[string]bool{}, ""
	for e := range c.endpoints(s.types) {
		regions[cmp.Or(e.Region, e.RegionID)], interfaces[e.Interface] = true, true
		if e.Interface != string(avail) || region != "" && region != e.Region && region != e.RegionID {
			continue
		}
		switch url := gophercloud.NormalizeURL(e.URL); {
		case outdated(url, s):
		case c.unsafe(url):
			plain = cmp.Or(plain, url)
		default:
			return url, nil
		}
	}
	switch {
	case plain != "":
		return "", fault.New(fault.Forbidden,
			"set "+strings.ReplaceAll(s.name, "-", "_")+
				"_endpoint_override to its https address, or allow_http_endpoints: true, in the entry of clouds.yaml",
			"cloud %q: the %s service is at %s, where anybody on the way could read the token; Keystone has TLS, at %s",
			c.name, s.name, plain, c.provider.IdentityBase)
	case len(regions) == 0:
		return "", fault.New(fault.NotFound, "", "cloud %q has no %s service in its catalog", c.name, s.name)
	}
	return "", fault.New(fault.NotFound, fault.Advise("choose with %s and %s", fault.Option("region"), fault.Option("endpoint_type")),
		"cloud %q has no %s endpoint of the %s service in region %q (regions there: %s; endpoint types: %s)",
		c.name, avail, s.name, region, list(regions), list(interfaces))
}

// endpoints are the catalog's of these types, in the types' order; all of them for nil.
func (c *Cloud) endpoints(types []string) iter.Seq[tokens.Endpoint] {
	entries := slices.Clone(c.catalog.Entries)
	if types != nil {
		entries = slices.DeleteFunc(entries, func(e tokens.CatalogEntry) bool { return !slices.Contains(types, e.Type) })
		slices.SortStableFunc(entries, func(a, b tokens.CatalogEntry) int {
			return cmp.Compare(slices.Index(types, a.Type), slices.Index(types, b.Type))
		})
	}
	return func(yield func(tokens.Endpoint) bool) {
		for _, entry := range entries {
			for _, e := range entry.Endpoints {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// unsafe reports whether an address has no TLS although Keystone has it.
func (c *Cloud) unsafe(address string) bool {
	return !c.allowHTTP && strings.HasPrefix(c.provider.IdentityBase, "https:") && strings.HasPrefix(address, "http:")
}

// prepareTransport allows sending the token to the cloud's endpoints only.
func (c *Cloud) prepareTransport() {
	roles := strings.Join(c.roles, ", ")
	c.transport.roles.Store(&roles)
	c.transport.Allow(c.provider.IdentityBase)
	for e := range c.endpoints(nil) {
		if !c.unsafe(e.URL) {
			c.transport.Allow(e.URL)
		}
	}
	for _, url := range c.overrides {
		c.transport.Allow(url)
	}
	for _, s := range c.services {
		c.transport.Allow(s.url)
	}
}

// regions are those that the catalog has.
func (c *Cloud) regions() map[string]bool {
	all := map[string]bool{}
	for e := range c.endpoints(nil) {
		all[e.Region], all[e.RegionID] = true, true
	}
	delete(all, "")
	return all
}

// outdated reports whether it is an old endpoint of the volume service, which some catalogs still have.
func outdated(url string, s service) bool {
	v := versionOf(url)
	return s.name == blockStorageService.name && (v == "v1" || v == "v2")
}

func list(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), ", ") }
