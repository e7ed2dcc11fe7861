package neutron

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

var networkKind = kind{
	name: "network", exception: "Network",
	list: func(s *Service, c front.Caller) []map[string]any {
		var out []map[string]any
		for _, n := range s.networks {
			if seesNetwork(c, n) {
				out = append(out, n.body())
			}
		}
		return out
	},
	create: (*Service).createNetwork, update: (*Service).updateNetwork, remove: (*Service).removeNetwork,
	tags: func(s *Service, id string) *[]string { return &s.networks[id].Tags },
}

func (n *Network) body() map[string]any {
	return map[string]any{
		"id": n.ID, "name": n.Name, "status": "ACTIVE", "admin_state_up": n.AdminStateUp, "shared": n.Shared, "router:external": n.External,
		"subnets": list(n.Subnets), "project_id": n.ProjectID, "tenant_id": n.ProjectID, "mtu": 1500, "port_security_enabled": true,
		"description": n.Description, "availability_zones": []string{}, "availability_zone_hints": []string{},
		"provider:network_type": "local", "provider:physical_network": nil, "provider:segmentation_id": nil,
		"ipv4_address_scope": nil, "ipv6_address_scope": nil, "tags": list(n.Tags),
		"created_at": stamp(n.CreatedAt), "updated_at": stamp(n.CreatedAt), "revision_number": 1,
	}
}

type networkRequest struct {
	Name         *string `json:"name"`
	Type         *string `json:"provider:network_type"`
	Description  *string `json:"description"`
	AdminStateUp *bool   `json:"admin_state_up"`
	Shared       *bool   `json:"shared"`
	External     *bool   `json:"router:external"`
	ProjectID    *string `json:"project_id"`
}

func (q networkRequest) apply(n *Network, c front.Caller, action string) error {
	for attribute, on := range map[string]*bool{"shared": q.Shared, "router:external": q.External} {
		if on != nil && *on && !c.Is("admin") {
			return disallowed(action, attribute)
		}
	}
	if q.Type != nil && !c.Is("admin") {
		return disallowed(action, "provider:network_type")
	}
	set(&n.Name, q.Name)
	set(&n.Description, q.Description)
	set(&n.AdminStateUp, q.AdminStateUp)
	set(&n.Shared, q.Shared)
	set(&n.External, q.External)
	return nil
}

func (s *Service) createNetwork(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[networkRequest](r, "network")
	if err != nil {
		return "", err
	}
	n := &Network{ID: uuid.NewString(), ProjectID: c.ProjectID, AdminStateUp: true, CreatedAt: s.clock.Now()}
	if c.Is("admin") {
		set(&n.ProjectID, q.ProjectID)
	}
	if err := q.apply(n, c, "create_network"); err != nil {
		return "", err
	}
	own := count(s.networks, func(o *Network) bool { return o.ProjectID == n.ProjectID })
	if most := s.most(n.ProjectID, "network"); most >= 0 && own >= most {
		return "", overQuota("network")
	}
	s.networks[n.ID] = n
	return n.ID, nil
}

func (s *Service) updateNetwork(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[networkRequest](r, "network")
	if err != nil {
		return "", err
	}
	n := s.networks[r.PathValue("id")]
	return n.ID, q.apply(n, c, "update_network")
}

func (s *Service) removeNetwork(id string) error {
	var ports []string
	for _, p := range s.ports {
		if p.NetworkID == id {
			ports = append(ports, p.ID)
		}
	}
	for _, f := range s.floating {
		if f.NetworkID == id {
			ports = append(ports, f.ID)
		}
	}
	if len(ports) > 0 {
		slices.Sort(ports)
		return answer.FailKind(http.StatusConflict, "NetworkInUse",
			"Unable to complete operation on network %s. There are one or more ports still in use on the network, id for these ports "+
				"is: %s.", id, strings.Join(ports, ","))
	}
	for _, sub := range s.networks[id].Subnets {
		delete(s.subnets, sub)
	}
	delete(s.networks, id)
	return nil
}

// Network is a network.
type Network struct {
	ID, Name, ProjectID, Description string
	Shared, External, AdminStateUp   bool
	Subnets                          []string
	Tags                             []string
	CreatedAt                        time.Time
}

// AddNetwork adds a network with subnets of the same name; it is for the seed.
func (s *Service) AddNetwork(n Network, cidrs ...string) (Network, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.ID, n.CreatedAt, n.AdminStateUp = uuid.NewString(), s.clock.Now().UTC(), true
	for _, cidr := range cidrs {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return Network{}, fmt.Errorf("adding network %q: %w", n.Name, err)
		}
		sub := s.newSubnet(n.ID, n.Name, n.ProjectID, prefix)
		n.Subnets = append(n.Subnets, sub.ID)
		s.subnets[sub.ID] = sub
	}
	s.networks[n.ID] = &n
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
