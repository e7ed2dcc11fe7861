package neutron

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

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
	owner:  func(s *Service, id string) string { return s.networks[id].ProjectID },
	create: (*Service).createNetwork, update: (*Service).updateNetwork, remove: (*Service).removeNetwork,
	tags: func(s *Service, id string) *[]string { return &s.networks[id].Tags },
}

func (n *Network) body() map[string]any {
	return map[string]any{
		"id": n.ID, "name": n.Name, "status": "ACTIVE", "admin_state_up": n.AdminStateUp, "shared": n.Shared, "router:external": n.External,
		"subnets": list(n.Subnets), "project_id": n.ProjectID, "tenant_id": n.ProjectID, "mtu": 1500, "port_security_enabled": true,
		"description": n.Description, "availability_zones": []string{}, "availability_zone_hints": []string{},
		"ipv4_address_scope": nil, "ipv6_address_scope": nil, "tags": list(n.Tags),
		"created_at": stamp(n.CreatedAt), "updated_at": stamp(n.CreatedAt), "revision_number": 1,
	}
}

type networkRequest struct {
	Name         *string `json:"name"`
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
	n := &Network{ID: uuid.NewString(), ProjectID: c.ProjectID, AdminStateUp: true, CreatedAt: time.Now()}
	if c.Is("admin") {
		set(&n.ProjectID, q.ProjectID)
	}
	if err := q.apply(n, c, "create_network"); err != nil {
		return "", err
	}
	if most := s.quotas.Networks; most >= 0 && count(s.networks, func(o *Network) bool { return o.ProjectID == n.ProjectID }) >= most {
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
		return front.FailKind(http.StatusConflict, "NetworkInUse", "Unable to complete operation on network %s. There are one or more ports still in use on the network, id for these ports is: %s.", id, strings.Join(ports, ","))
	}
	for _, sub := range s.networks[id].Subnets {
		delete(s.subnets, sub)
	}
	delete(s.networks, id)
	return nil
}

var subnetKind = kind{
	name: "subnet", exception: "Subnet",
	list: func(s *Service, c front.Caller) []map[string]any {
		var out []map[string]any
		for _, sub := range s.subnets {
			if n := s.networks[sub.NetworkID]; n != nil && seesNetwork(c, n) {
				out = append(out, sub.body())
			}
		}
		return out
	},
	owner:  func(s *Service, id string) string { return s.subnets[id].ProjectID },
	create: (*Service).createSubnet, update: (*Service).updateSubnet, remove: (*Service).removeSubnet,
	tags: func(s *Service, id string) *[]string { return &s.subnets[id].Tags },
}

func (sub *Subnet) body() map[string]any {
	version := 4
	if sub.CIDR.Addr().Is6() {
		version = 6
	}
	var gateway any
	if sub.Gateway.IsValid() {
		gateway = sub.Gateway.String()
	}
	return map[string]any{
		"id": sub.ID, "name": sub.Name, "network_id": sub.NetworkID, "cidr": sub.CIDR.String(), "gateway_ip": gateway, "ip_version": version,
		"enable_dhcp": sub.DHCP, "dns_nameservers": list(sub.DNS), "host_routes": []any{}, "project_id": sub.ProjectID, "tenant_id": sub.ProjectID,
		"allocation_pools": []map[string]any{{"start": sub.first.String(), "end": sub.last.String()}}, "description": sub.Description,
		"ipv6_address_mode": nil, "ipv6_ra_mode": nil, "subnetpool_id": nil, "service_types": []string{}, "tags": list(sub.Tags),
		"created_at": stamp(sub.CreatedAt), "updated_at": stamp(sub.CreatedAt), "revision_number": 0,
	}
}

type subnetRequest struct {
	NetworkID   string    `json:"network_id"`
	CIDR        string    `json:"cidr"`
	Name        *string   `json:"name"`
	Description *string   `json:"description"`
	DHCP        *bool     `json:"enable_dhcp"`
	Gateway     *string   `json:"gateway_ip"`
	DNS         *[]string `json:"dns_nameservers"`
}

func (q subnetRequest) apply(sub *Subnet) error {
	set(&sub.Name, q.Name)
	set(&sub.Description, q.Description)
	set(&sub.DHCP, q.DHCP)
	set(&sub.DNS, q.DNS)
	if q.Gateway != nil {
		a, err := netip.ParseAddr(*q.Gateway)
		if err != nil {
			return malformed("Invalid input for gateway_ip. Reason: '%s' is not a valid IP address.", *q.Gateway)
		}
		sub.Gateway = a
	}
	return nil
}

func (s *Service) createSubnet(r *http.Request, c front.Caller) (string, error) {
	q, err := decode[subnetRequest](r, "subnet")
	if err != nil {
		return "", err
	}
	if err := reference("network_id", q.NetworkID); err != nil {
		return "", err
	}
	n := s.networks[q.NetworkID]
	if n == nil || !seesNetwork(c, n) {
		return "", networkKind.notFound(q.NetworkID)
	}
	if n.ProjectID != c.ProjectID && !c.Is("admin") {
		return "", disallowed("create_subnet")
	}
	prefix, err := netip.ParsePrefix(q.CIDR)
	if err != nil {
		return "", front.FailKind(http.StatusBadRequest, "InvalidInput", "Invalid input for operation: %s is not in a CIDR format.", q.CIDR)
	}
	for _, id := range n.Subnets {
		if s.subnets[id].CIDR.Overlaps(prefix) {
			return "", front.FailKind(http.StatusBadRequest, "InvalidInput", "Invalid input for operation: Requested subnet with cidr: %s for network: %s overlaps with another subnet.", prefix, n.ID)
		}
	}
	sub := newSubnet(n.ID, "", n.ProjectID, prefix)
	if err := q.apply(sub); err != nil {
		return "", err
	}
	s.subnets[sub.ID] = sub
	n.Subnets = append(n.Subnets, sub.ID)
	return sub.ID, nil
}

func (s *Service) updateSubnet(r *http.Request, _ front.Caller) (string, error) {
	q, err := decode[subnetRequest](r, "subnet")
	if err != nil {
		return "", err
	}
	sub := s.subnets[r.PathValue("id")]
	return sub.ID, q.apply(sub)
}

func (s *Service) removeSubnet(id string) error {
	uses := func(p *Port) bool {
		return slices.ContainsFunc(p.FixedIPs, func(f FixedIP) bool { return f.SubnetID == id })
	}
	if count(s.ports, uses) > 0 {
		return front.FailKind(http.StatusConflict, "SubnetInUse", "Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", id)
	}
	if n := s.networks[s.subnets[id].NetworkID]; n != nil {
		n.Subnets = slices.DeleteFunc(n.Subnets, func(sub string) bool { return sub == id })
	}
	delete(s.subnets, id)
	return nil
}
