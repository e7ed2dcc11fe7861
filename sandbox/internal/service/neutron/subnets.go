package neutron

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// newSubnet returns a subnet whose pool leaves out the gateway. Giving out starts anywhere in it where
// the subnet is large, so that sandboxes side by side rarely want the same address.
func (s *Service) newSubnet(network, name, project string, prefix netip.Prefix) *Subnet {
	prefix = prefix.Masked()
	sub := &Subnet{
		ID: uuid.NewString(), Name: name, NetworkID: network, ProjectID: project, CIDR: prefix, DHCP: true,
		Gateway: prefix.Addr().Next(), CreatedAt: s.clock.Now().UTC(),
	}
	hosts := uint32(1) << min(30, prefix.Addr().BitLen()-prefix.Bits())
	const skip = 2 // the network itself and the gateway
	sub.first = plus(prefix.Addr(), skip)
	sub.last = plus(prefix.Addr(), max(hosts, 2)-2)
	sub.next = sub.first
	if prefix.Addr().IsLoopback() && hosts > 256 {
		sub.next = plus(sub.first, rand.Uint32N(hosts-skip-2))
	}
	return sub
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
		"id": sub.ID, "name": sub.Name, "network_id": sub.NetworkID, "cidr": sub.CIDR.String(), "gateway_ip": gateway,
		"ip_version":  version,
		"enable_dhcp": sub.DHCP, "dns_nameservers": list(sub.DNS), "host_routes": []any{}, "project_id": sub.ProjectID,
		"tenant_id":        sub.ProjectID,
		"allocation_pools": []map[string]any{{"start": sub.first.String(), "end": sub.last.String()}}, "description": sub.Description,
		"ipv6_address_mode": nil, "ipv6_ra_mode": nil, "subnetpool_id": orNull(sub.Pool), "service_types": []string{},
		"tags":       list(sub.Tags),
		"created_at": stamp(sub.CreatedAt), "updated_at": stamp(sub.CreatedAt), "revision_number": 0,
	}
}

type subnetRequest struct {
	NetworkID   string           `json:"network_id"`
	CIDR        string           `json:"cidr"`
	Name        *string          `json:"name"`
	Description *string          `json:"description"`
	DHCP        *bool            `json:"enable_dhcp"`
	Gateway     presence[string] `json:"gateway_ip"`
	Pool        string           `json:"subnetpool_id"`
	Bits        number           `json:"prefixlen"`
	Version     int              `json:"ip_version"`
	DNS         *[]string        `json:"dns_nameservers"`
}

func (q subnetRequest) apply(sub *Subnet) error {
	set(&sub.Name, q.Name)
	set(&sub.Description, q.Description)
	set(&sub.DHCP, q.DHCP)
	set(&sub.DNS, q.DNS)
	switch {
	case !q.Gateway.given:
	case q.Gateway.value == "":
		sub.Gateway = netip.Addr{}
	default:
		a, err := netip.ParseAddr(q.Gateway.value)
		if err != nil {
			return malformed("Invalid input for gateway_ip. Reason: '%s' is not a valid IP address.", q.Gateway.value)
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
	if q.Pool != "" && q.CIDR == "" {
		if prefix, err = s.fromPool(c, q.Pool, int(q.Bits)); err != nil {
			return "", err
		}
	}
	if err != nil {
		return "", answer.FailKind(http.StatusBadRequest, "InvalidInput", "Invalid input for operation: %s is not in a CIDR format.",
			q.CIDR)
	}
	for _, id := range n.Subnets {
		if s.subnets[id].CIDR.Overlaps(prefix) {
			return "", answer.FailKind(http.StatusBadRequest, "InvalidInput",
				"Invalid input for operation: Requested subnet with cidr: %s for network: %s overlaps with another subnet.", prefix, n.ID)
		}
	}
	sub := s.newSubnet(n.ID, "", n.ProjectID, prefix)
	sub.Pool = q.Pool
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
		return answer.FailKind(http.StatusConflict, "SubnetInUse",
			"Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", id)
	}
	if n := s.networks[s.subnets[id].NetworkID]; n != nil {
		n.Subnets = slices.DeleteFunc(n.Subnets, func(sub string) bool { return sub == id })
	}
	delete(s.subnets, id)
	return nil
}

// Subnet is a subnet of a network.
type Subnet struct {
	ID, Name, NetworkID, ProjectID, Description, Pool string
	CIDR                                              netip.Prefix
	Gateway                                           netip.Addr
	DHCP                                              bool
	DNS                                               []string
	Tags                                              []string
	CreatedAt                                         time.Time

	first, last, next netip.Addr // the pool, and where the search for a free address goes on
}
