package neutron

import (
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// move is news of a floating IP: the server behind its address, "" = none.
type move struct{ address, server string }

func (s *Service) takeMoved() []move {
	m := s.moved
	s.moved = nil
	return m
}

var floatingKind = kind{
	name: "floatingip", exception: "FloatingIP",
	list: func(s *Service, c front.Caller) []map[string]any {
		var out []map[string]any
		for _, f := range s.floating {
			if c.Is("admin") || f.ProjectID == c.ProjectID {
				out = append(out, s.floatingBody(f))
			}
		}
		return out
	},
	create: (*Service).createFloating, update: (*Service).updateFloating, remove: (*Service).removeFloating,
	tags: func(s *Service, id string) *[]string { return &s.floating[id].Tags },
}

func (s *Service) floatingBody(f *FloatingIP) map[string]any {
	b := map[string]any{
		"id": f.ID, "floating_network_id": f.NetworkID, "floating_ip_address": f.Address, "fixed_ip_address": orNull(f.FixedAddress),
		"port_id": orNull(f.PortID), "router_id": nil, "status": "DOWN", "project_id": f.ProjectID, "tenant_id": f.ProjectID,
		"description": f.Description, "tags": list(f.Tags), "port_details": nil,
		"created_at": stamp(f.CreatedAt), "updated_at": stamp(f.CreatedAt), "revision_number": 0,
	}
	if p := s.ports[f.PortID]; p != nil {
		b["status"] = "ACTIVE"
		b["port_details"] = map[string]any{
			"name": p.Name, "network_id": p.NetworkID, "mac_address": p.MAC, "admin_state_up": p.AdminStateUp,
			"status": p.Status, "device_id": p.DeviceID, "device_owner": p.DeviceOwner,
		}
	}
	return b
}

type floatingRequest struct {
	NetworkID   string           `json:"floating_network_id"`
	Address     string           `json:"floating_ip_address"`
	SubnetID    string           `json:"subnet_id"`
	Description *string          `json:"description"`
	ProjectID   *string          `json:"project_id"`
	PortID      presence[string] `json:"port_id"`
	FixedIP     presence[string] `json:"fixed_ip_address"`
}

func (s *Service) createFloating(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[floatingRequest](r, "floatingip")
	if err != nil {
		return "", err
	}
	if err := reference("floating_network_id", q.NetworkID); err != nil {
		return "", err
	}
	n := s.networks[q.NetworkID]
	if n == nil {
		return "", networkKind.notFound(q.NetworkID)
	}
	if !n.External || len(n.Subnets) == 0 {
		return "", answer.FailKind(http.StatusBadRequest, "BadRequest",
			"Bad floatingip request: Network %s is not a valid external network.", n.ID)
	}
	f := &FloatingIP{ID: uuid.NewString(), NetworkID: n.ID, ProjectID: c.ProjectID, CreatedAt: s.clock.Now()}
	set(&f.Description, q.Description)
	if c.Is("admin") {
		set(&f.ProjectID, q.ProjectID)
	}
	if most := s.most(f.ProjectID, "floatingip"); most >= 0 && count(s.floating,
		func(o *FloatingIP) bool { return o.ProjectID == f.ProjectID }) >= most {
		return "", overQuota("floatingip")
	}
	if q.Address != "" {
		if !c.Is("admin") {
			return "", disallowed("create_floatingip", "floating_ip_address")
		}
		got, err := s.fix(n, FixedIP{IPAddress: q.Address})
		if err != nil {
			return "", err
		}
		f.Address = got.IPAddress
	} else {
		a, err := s.take(s.subnets[n.Subnets[0]])
		if err != nil {
			return "", err
		}
		f.Address = a.String()
	}
	if err := s.associate(f, q, c); err != nil {
		s.give(f.Address)
		return "", err
	}
	s.floating[f.ID] = f
	return f.ID, nil
}

func (s *Service) updateFloating(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[floatingRequest](r, "floatingip")
	if err != nil {
		return "", err
	}
	f := s.floating[r.PathValue("id")]
	if err := s.associate(f, q, c); err != nil {
		return "", err
	}
	set(&f.Description, q.Description)
	return f.ID, nil
}

// associate connects a floating IP with the port that a request names, or with none for null.
func (s *Service) associate(f *FloatingIP, q floatingRequest, c front.Caller) error {
	if !q.PortID.given {
		return nil
	}
	if q.PortID.value == "" {
		f.PortID, f.FixedAddress = "", ""
		s.moved = append(s.moved, move{address: f.Address})
		return nil
	}
	p := s.ports[q.PortID.value]
	if p == nil || (p.ProjectID != c.ProjectID && !c.Is("admin")) {
		return portNotFound(q.PortID.value)
	}
	fixed := q.FixedIP.value
	for _, ip := range p.FixedIPs {
		if a, err := netip.ParseAddr(ip.IPAddress); err == nil && a.Is4() && fixed == "" {
			fixed = ip.IPAddress
		}
	}
	if fixed == "" {
		return answer.FailKind(http.StatusBadRequest, "BadRequest",
			"Bad floatingip request: Cannot add floating IP to port %s that has no fixed IPv4 addresses.", p.ID)
	}
	for _, o := range s.floating {
		if o != f && o.PortID == p.ID && o.FixedAddress == fixed && o.NetworkID == f.NetworkID {
			return answer.FailKind(http.StatusConflict, "FloatingIPPortAlreadyAssociated",
				"Cannot associate floating IP %s (%s) with port %s using fixed IP %s, as that fixed IP already has a floating IP on "+
					"external network %s.",
				f.Address, f.ID, p.ID, fixed, f.NetworkID)
		}
	}
	f.PortID, f.FixedAddress = p.ID, fixed
	s.moved = append(s.moved, move{f.Address, p.DeviceID})
	return nil
}

func (s *Service) removeFloating(id string) error {
	f := s.floating[id]
	s.give(f.Address)
	delete(s.floating, id)
	s.moved = append(s.moved, move{address: f.Address})
	return nil
}

// FloatingIP is a floating IP; PortID is empty while it is not associated.
type FloatingIP struct {
	ID, ProjectID, NetworkID, Description string
	Address, FixedAddress, PortID         string
	Tags                                  []string
	CreatedAt                             time.Time
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
