package neutron

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Options configures a Service.
type Options struct {
	// Free tells whether an address can be given out; nil = each that is not given out yet.
	Free   func(address string) bool
	Quotas Quotas
}

// Quotas are limits per project; 0 = Neutron's default, below 0 = none.
type Quotas struct{ Networks, Ports, FloatingIPs, SecurityGroups int }

func (q Quotas) withDefaults() Quotas {
	for _, d := range []struct {
		n     *int
		value int
	}{{&q.Networks, 100}, {&q.Ports, 500}, {&q.FloatingIPs, 50}, {&q.SecurityGroups, 10}} {
		if *d.n == 0 {
			*d.n = d.value
		}
	}
	return q
}

// Service is the network service.
type Service struct {
	free   func(string) bool
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
	used     map[netip.Addr]bool
	moved    []move // floating IPs whose server changed in the running request
}

// New returns a network service without networks.
func New(o Options) *Service {
	if o.Free == nil {
		o.Free = func(string) bool { return true }
	}
	return &Service{
		free: o.Free, quotas: o.Quotas.withDefaults(),
		networks: map[string]*Network{}, subnets: map[string]*Subnet{}, ports: map[string]*Port{},
		floating: map[string]*FloatingIP{}, groups: map[string]*SecurityGroup{}, routers: map[string]*Router{},
		used: map[netip.Addr]bool{},
	}
}

// AddNetwork adds a network with one subnet of the same name; it is for the seed.
func (s *Service) AddNetwork(n Network, cidr string) (Network, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return Network{}, fmt.Errorf("adding network %q: %w", n.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n.ID, n.CreatedAt, n.AdminStateUp = uuid.NewString(), time.Now().UTC(), true
	sub := newSubnet(n.ID, n.Name, n.ProjectID, prefix)
	n.Subnets = []string{sub.ID}
	s.networks[n.ID], s.subnets[sub.ID] = &n, sub
	return n, nil
}

// Network returns a network by its id, if the caller may see it.
func (s *Service) Network(caller front.Caller, id string) (Network, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, ok := s.networks[id]
	if !ok || !seesNetwork(caller, n) {
		return Network{}, false
	}
	return *n, true
}

// Networks returns the networks that a caller's server may be attached to when it names none: its
// project's, else the shared ones; external networks never.
func (s *Service) Networks(caller front.Caller) []Network {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var own, shared []Network
	for _, n := range s.networks {
		switch {
		case n.External:
		case n.ProjectID == caller.ProjectID:
			own = append(own, *n)
		case n.Shared:
			shared = append(shared, *n)
		}
	}
	if len(own) == 0 {
		own = shared
	}
	slices.SortFunc(own, func(a, b Network) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return own
}

func seesNetwork(c front.Caller, n *Network) bool {
	return c.Is("admin") || n.Shared || n.External || n.ProjectID == c.ProjectID
}

// AllocatePort makes a port for a server on a network, with the project's default security group and an address, ""
// standing for any.
func (s *Service) AllocatePort(caller front.Caller, networkID, serverID, address string) (Port, error) {
	var fixed []FixedIP
	if address != "" {
		fixed = []FixedIP{{IPAddress: address}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.newPort(caller, Port{
		NetworkID: networkID, ProjectID: caller.ProjectID,
		DeviceID: serverID, DeviceOwner: "compute:nova", ForServer: true, Status: "ACTIVE", AdminStateUp: true,
	}, fixed)
	if err != nil {
		return Port{}, err
	}
	return p.clone(), nil
}

// newPort adds a port; without addresses it gets one of the network's first subnet, without
// security groups (nil) the default one. The caller holds the lock.
func (s *Service) newPort(c front.Caller, p Port, fixed []FixedIP) (*Port, error) {
	n, ok := s.networks[p.NetworkID]
	if !ok || !seesNetwork(c, n) {
		return nil, front.FailKind(http.StatusNotFound, "NetworkNotFound", "Network %s could not be found.", p.NetworkID)
	}
	if q := s.quotas.Ports; q >= 0 && count(s.ports, func(o *Port) bool { return o.ProjectID == p.ProjectID }) >= q {
		return nil, overQuota("port")
	}
	if p.SecurityGroups == nil {
		p.SecurityGroups = []string{s.defaultGroup(p.ProjectID).ID}
	}
	if len(fixed) == 0 && len(n.Subnets) > 0 {
		fixed = []FixedIP{{SubnetID: n.Subnets[0]}}
	}
	for _, want := range fixed {
		got, err := s.fix(n, want)
		if err != nil {
			s.giveAll(p.FixedIPs)
			return nil, err
		}
		p.FixedIPs = append(p.FixedIPs, got)
	}
	p.ID, p.CreatedAt = uuid.NewString(), time.Now().UTC()
	if p.MAC == "" {
		r := rand.Uint32()
		p.MAC = fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", byte(r>>16), byte(r>>8), byte(r))
	}
	if p.Status == "" {
		p.Status = "DOWN"
	}
	s.ports[p.ID] = &p
	return &p, nil
}

// Port returns a copy of a port.
func (s *Service) Port(id string) (Port, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.ports[id]
	if !ok {
		return Port{}, false
	}
	return p.clone(), true
}

// BindPort gives a port to a server. A port that has another one is a conflict.
func (s *Service) BindPort(portID, serverID string) error {
	addresses, err := s.bind(portID, serverID)
	s.tell(addresses, serverID)
	return err
}

// bind returns the addresses of the floating IPs that lead to the port's new server.
func (s *Service) bind(portID, serverID string) (addresses []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.ports[portID]
	if !ok {
		return nil, portNotFound(portID)
	}
	if p.DeviceID != "" && p.DeviceID != serverID {
		return nil, front.FailKind(http.StatusConflict, "PortInUse", "Port %s is still in use.", portID)
	}
	p.DeviceID, p.DeviceOwner, p.Status = serverID, "compute:nova", "ACTIVE"
	for _, f := range s.floating {
		if f.PortID == portID {
			addresses = append(addresses, f.Address)
		}
	}
	return addresses, nil
}

// PortsOf returns a server's ports, in the order of their creation.
func (s *Service) PortsOf(serverID string) []Port {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Port
	for _, p := range s.ports {
		if p.DeviceID == serverID {
			out = append(out, p.clone())
		}
	}
	slices.SortFunc(out, func(a, b Port) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out
}

// ReleasePorts deletes the ports that were made for a server and unbinds those it was given.
func (s *Service) ReleasePorts(serverID string) {
	for _, p := range s.PortsOf(serverID) {
		if p.ForServer {
			s.mu.Lock()
			freed := s.deletePort(p.ID)
			s.mu.Unlock()
			s.tell(freed, "")
			continue
		}
		s.UnbindPort(p.ID)
	}
}

// UnbindPort takes a port from its server.
func (s *Service) UnbindPort(portID string) {
	s.mu.Lock()
	var freed []string
	if p, ok := s.ports[portID]; ok {
		p.DeviceID, p.DeviceOwner, p.Status = "", "", "DOWN"
		for _, f := range s.floating {
			if f.PortID == portID {
				freed = append(freed, f.Address)
			}
		}
	}
	s.mu.Unlock()
	s.tell(freed, "")
}

// deletePort removes a port and takes its floating IPs away; it returns their addresses. The caller
// holds the lock and tells of them.
func (s *Service) deletePort(id string) (freed []string) {
	p, ok := s.ports[id]
	if !ok {
		return nil
	}
	for _, f := range s.floating {
		if f.PortID == id {
			f.PortID, f.FixedAddress = "", ""
			freed = append(freed, f.Address)
		}
	}
	s.giveAll(p.FixedIPs)
	delete(s.ports, id)
	return freed
}

func (s *Service) tell(addresses []string, server string) {
	for _, a := range addresses {
		if s.FloatingChanged != nil {
			s.FloatingChanged(a, server)
		}
	}
}

// FloatingIPs returns the floating IPs of a server's ports.
func (s *Service) FloatingIPs(serverID string) []FloatingIP {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []FloatingIP
	for _, f := range s.floating {
		if p := s.ports[f.PortID]; p != nil && p.DeviceID == serverID {
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b FloatingIP) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out
}

func count[T any](m map[string]*T, match func(*T) bool) int {
	n := 0
	for _, v := range m {
		if match(v) {
			n++
		}
	}
	return n
}

func overQuota(resource string) error {
	return front.FailKind(http.StatusConflict, "OverQuota", "Quota exceeded for resources: ['%s'].", resource)
}

func portNotFound(id string) error {
	return front.FailKind(http.StatusNotFound, "PortNotFound", "Port %s could not be found.", id)
}
