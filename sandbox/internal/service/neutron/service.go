// Package neutron is the sandbox's network service: networks, subnets, ports, security groups,
// routers and floating IPs. Addresses are loopback ones, so that a server is reachable from the
// machine that the sandbox runs on and from nowhere else.
package neutron

import (
	"net/netip"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// Options configures a Service.
type Options struct {
	// Free reports whether an address can be given out; nil = each that is not given out yet.
	Free   func(address string) bool
	Clock  *front.Clock
	Quotas Quotas
}

// Service is the network service.
type Service struct {
	free   func(string) bool
	clock  *front.Clock
	quotas Quotas

	// FloatingChanged is called, without locks, when the server behind a floating IP's address has
	// changed; server is "" when there is none any more.
	FloatingChanged func(address, server string)

	mu       sync.RWMutex
	networks map[string]*Network
	subnets  map[string]*Subnet
	ports    map[string]*Port
	floating map[string]*FloatingIP
	groups   map[string]*SecurityGroup
	routers  map[string]*Router
	kept     map[string]*kept          // by the object's id
	limits   map[string]map[string]int // by project and resource, where they aren't the defaults
	used     map[netip.Addr]bool
	moved    []move // floating IPs whose server changed in the running request

	scopes, groupsOfAddresses, rbac, pools, flavors, profiles *resource.Table
}

// New returns a network service without networks.
func New(o Options) *Service {
	if o.Free == nil {
		o.Free = func(string) bool { return true }
	}
	s := &Service{
		free: o.Free, clock: o.Clock, quotas: o.Quotas.withDefaults(),
		networks: map[string]*Network{}, subnets: map[string]*Subnet{}, ports: map[string]*Port{},
		floating: map[string]*FloatingIP{}, groups: map[string]*SecurityGroup{}, routers: map[string]*Router{},
		used: map[netip.Addr]bool{}, kept: map[string]*kept{}, limits: map[string]map[string]int{},
	}
	s.declare()
	return s
}
