package neutron

import (
	"math"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// availabilities serves how many addresses networks have, to administrators; others see none.
func (s *Service) availabilities(_ *http.Request, c front.Caller) (int, any, error) {
	all := []map[string]any{}
	for _, n := range s.networks {
		if c.Is("admin") {
			all = append(all, s.availabilityOf(n))
		}
	}
	return http.StatusOK, map[string]any{"network_ip_availabilities": all}, nil
}

func (s *Service) availability(r *http.Request, c front.Caller) (int, any, error) {
	n := s.networks[r.PathValue("id")]
	if n == nil || !c.Is("admin") {
		return 0, nil, networkKind.notFound(r.PathValue("id"))
	}
	return http.StatusOK, map[string]any{"network_ip_availability": s.availabilityOf(n)}, nil
}

func (s *Service) availabilityOf(n *Network) map[string]any {
	total, used := 0.0, 0
	subnets := []map[string]any{}
	for _, id := range n.Subnets {
		sub := s.subnets[id]
		size, taken := math.Exp2(float64(sub.CIDR.Addr().BitLen()-sub.CIDR.Bits())), 0
		for a := range s.used {
			if sub.CIDR.Contains(a) {
				taken++
			}
		}
		total, used = total+size, used+taken
		version := 4
		if sub.CIDR.Addr().Is6() {
			version = 6
		}
		subnets = append(subnets, map[string]any{
			"subnet_id": id, "subnet_name": sub.Name, "cidr": sub.CIDR.String(), "ip_version": version,
			"total_ips": size, "used_ips": taken,
		})
	}
	return map[string]any{
		"network_id": n.ID, "network_name": n.Name, "project_id": n.ProjectID, "tenant_id": n.ProjectID, "total_ips": total,
		"used_ips": used, "subnet_ip_availability": subnets,
	}
}
