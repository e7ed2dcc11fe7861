// Package nova is the sandbox's compute service: servers, flavors and keypairs of the Compute API v2.1. With an
// agent, an active server is a guest that accepts SSH on its addresses; without one, servers are states only.
package nova

import (
	"cmp"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// Options configures a Service.
type Options struct {
	Dir     string       // folder for the instances; must exist
	Clock   *front.Clock // runs the changes of state
	Agent   string       // executable that is the guests' init; "" = servers have no inside
	SSHPort int          // of the guests, on their own addresses; 0 = 22

	Images   Images
	Networks Networks
	Ports    Ports
	Volumes  Volumes
	Nodes    Nodes // nil = there is no bare metal

	SoftDelete bool // deleted servers stay SOFT_DELETED until somebody deletes them by force

	ShutdownTimeout time.Duration // how long a guest may take to stop; 0 = a minute

	Flavors []Flavor // nil = DefaultFlavors()
	Quotas  Quotas
	Refuse  func(name string) string // a message for a server of this name makes it end in ERROR; nil = none does
}

// Service is the compute service.
type Service struct {
	o          Options
	images     Images
	nets       Networks
	ports      Ports
	vols       Volumes
	clock      *front.Clock
	migrations []*migration
	aggregates *resource.Table
	limited    map[string]map[string]int // quotas that aren't the defaults, by project
	quotas     Quotas

	mu       sync.RWMutex
	servers  map[string]*Server
	mapped   map[string]bool // the ids of all servers there ever were
	order    []*Server       // by creation
	gone     []*Server       // those that were deleted, by that
	flavors  []Flavor
	keys     map[string]map[string]*KeyPair // by user and name
	groups   map[string]*ServerGroup
	floating map[string]string // server by floating IP address
	closed   bool
}

// New returns a compute service without servers.
func New(o Options) *Service {
	o.SSHPort = cmp.Or(o.SSHPort, 22)
	o.ShutdownTimeout = cmp.Or(o.ShutdownTimeout, time.Minute)
	if o.Flavors == nil {
		o.Flavors = DefaultFlavors()
	}
	s := &Service{
		o: o, images: o.Images, nets: o.Networks, ports: o.Ports, vols: o.Volumes, clock: o.Clock, quotas: o.Quotas.withDefaults(),
		servers: map[string]*Server{}, mapped: map[string]bool{}, flavors: o.Flavors, keys: map[string]map[string]*KeyPair{},
		groups: map[string]*ServerGroup{}, floating: map[string]string{},
		limited: map[string]map[string]int{},
	}
	s.aggregates = s.aggregateTable()
	return s
}

// Close ends all guests and removes the instances' folders. The clock has to be stopped before.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	var ends sync.WaitGroup
	for _, v := range s.servers {
		g := v.guest
		v.guest = nil
		ends.Go(func() {
			if g != nil {
				g.Kill()
			}
			_ = host.Remove(s.dir(v.ID))
		})
	}
	s.mu.Unlock()
	ends.Wait()
}

// dir is the folder of an instance.
func (s *Service) dir(id string) string { return filepath.Join(s.o.Dir, id) }

// sshAddress is where a guest with this IP address takes SSH.
func (s *Service) sshAddress(ip string) string {
	return net.JoinHostPort(ip, strconv.Itoa(s.o.SSHPort))
}

// Server returns a copy of a server, whoever may see it.
func (s *Service) Server(id string) (Server, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.servers[id]
	if !ok {
		return Server{}, false
	}
	return v.clone(), true
}

// Servers returns copies of all servers, by creation.
func (s *Service) Servers() []Server {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Server
	for _, v := range s.order {
		out = append(out, v.clone())
	}
	return out
}

// UsesImage reports whether a server was booted from an image; it doesn't keep the image from being deleted.
func (s *Service) UsesImage(id string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, v := range s.order {
		if v.ImageID == id {
			return true
		}
	}
	return false
}

// SetError puts a server into ERROR with a fault, as a failing compute node does.
func (s *Service) SetError(id, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.servers[id]; v != nil {
		s.fail(v, 500, message)
	}
}
