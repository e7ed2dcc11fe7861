// Package nova is the sandbox's compute service: servers, flavors and keypairs of the Compute API v2.1. With an
// agent, an active server is a guest that takes SSH on its addresses; without one servers are states alone.
package nova

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
)

// Images is what servers need of the image service.
type Images interface {
	Visible(caller front.Caller, id string) (glance.Image, bool)
	Image(id string) (glance.Image, bool)
	Open(id string) (io.ReadCloser, int64, error)
	CreateQueued(caller front.Caller, spec glance.Spec) (string, error)
	Upload(id string, data io.Reader) error
	Delete(id string) error
}

// Networks is what servers need to know of the network service.
type Networks interface {
	Network(caller front.Caller, id string) (neutron.Network, bool)
	Networks(caller front.Caller) []neutron.Network
	FloatingIPs(serverID string) []neutron.FloatingIP
	SecurityGroupID(caller front.Caller, nameOrID string) (string, error)
	SecurityGroup(id string) (neutron.SecurityGroup, bool)
	SetSecurityGroups(caller front.Caller, portID string, groups []string) error
}

// Ports connect servers to networks.
type Ports interface {
	AllocatePort(caller front.Caller, networkID, serverID, address string) (neutron.Port, error)
	BindPort(portID, serverID string) error
	UnbindPort(portID string)
	Port(id string) (neutron.Port, bool)
	PortsOf(serverID string) []neutron.Port
	ReleasePorts(serverID string)
}

// Volumes is what servers need of the block storage service.
type Volumes interface {
	Create(caller front.Caller, spec cinder.Spec) (cinder.Volume, error)
	Visible(caller front.Caller, id string) (cinder.Volume, bool)
	Snapshot(caller front.Caller, id string) (cinder.Snapshot, bool)
	Reserve(id string) error
	Attach(id, serverID, device string) error
	Detach(id, serverID string)
	Content
}

// Content is what a volume holds, and its end.
type Content interface {
	Volume(id string) (cinder.Volume, bool)
	Open(id string) (io.ReadCloser, int64, error)
	Save(id string, data io.Reader) error
	Delete(id string) error
}

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

	ShutdownTimeout time.Duration // how long a guest may take to stop; 0 = a minute

	Flavors []Flavor // nil = DefaultFlavors()
	Quotas  Quotas
	Refuse  func(name string) string // a message for a server of this name makes it end in ERROR; nil = none does
}

// Quotas are limits per project; 0 = Nova's default, below 0 = none.
type Quotas struct {
	Instances     int // default 10
	Cores         int // default 20
	RAM           int // MiB; default 51200
	KeyPairs      int // per user; default 100
	MetadataItems int // per server; default 128
}

func (q Quotas) withDefaults() Quotas {
	for _, d := range []struct {
		n     *int
		value int
	}{{&q.Instances, 10}, {&q.Cores, 20}, {&q.RAM, 51200}, {&q.KeyPairs, 100}, {&q.MetadataItems, 128}} {
		*d.n = cmp.Or(*d.n, d.value)
	}
	return q
}

// Service is the compute service.
type Service struct {
	o      Options
	images Images
	nets   Networks
	ports  Ports
	vols   Volumes
	clock  *front.Clock
	quotas Quotas

	mu       sync.RWMutex
	servers  map[string]*Server
	mapped   map[string]bool // the ids of all servers there ever were
	order    []*Server       // by creation
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
	return &Service{
		o: o, images: o.Images, nets: o.Networks, ports: o.Ports, vols: o.Volumes, clock: o.Clock, quotas: o.Quotas.withDefaults(),
		servers: map[string]*Server{}, mapped: map[string]bool{}, flavors: o.Flavors, keys: map[string]map[string]*KeyPair{}, groups: map[string]*ServerGroup{}, floating: map[string]string{},
	}
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
func (s *Service) sshAddress(ip string) string { return ip + ":" + strconv.Itoa(s.o.SSHPort) }

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

// UsesImage tells whether a server was booted from an image; it doesn't keep the image from being deleted.
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
		v.fail(500, message)
	}
}

// FloatingChanged takes SSH for a server on the address of a floating IP; server "" ends that.
func (s *Service) FloatingChanged(address, server string) {
	s.mu.Lock()
	was := s.floating[address]
	if server == "" {
		delete(s.floating, address)
	} else {
		s.floating[address] = server
	}
	before, after := s.guestOf(was), s.guestOf(server)
	s.mu.Unlock()
	if before != nil && was != server {
		before.HangUp(s.sshAddress(address))
	}
	if after != nil {
		_ = after.ServeSSH(s.sshAddress(address)) // an address that can't be served looks like one that doesn't answer
	}
}

// guestOf answers the guest of a server, or nil. The caller holds the lock.
func (s *Service) guestOf(server string) *host.Guest {
	if v := s.servers[server]; v != nil {
		return v.guest
	}
	return nil
}

// pause waits for a part of one transition's time.
func (s *Service) pause(ctx context.Context, parts int) error {
	d := s.clock.Transition() / time.Duration(parts)
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func makeDir(path string) error { return os.MkdirAll(path, 0o700) }
