package neutron

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) showQuotas(r *http.Request, c front.Caller) (int, any, error) {
	if r.PathValue("project") != c.ProjectID && !c.Is("admin") {
		return 0, nil, disallowed("get_quota")
	}
	q := s.quotas
	return http.StatusOK, map[string]any{"quota": map[string]any{
		"network": q.Networks, "subnet": q.Networks, "port": q.Ports, "floatingip": q.FloatingIPs,
		"security_group": q.SecurityGroups, "security_group_rule": 100, "router": 10,
	}}, nil
}

// Quotas are limits per project; 0 = Neutron's default, below 0 = none.
type Quotas struct {
	Networks, Ports, FloatingIPs, SecurityGroups int

	MaxPage int // most objects of a page; default none
}

func (q Quotas) withDefaults() Quotas {
	for _, d := range []struct {
		n     *int
		value int
	}{{&q.Networks, 100}, {&q.Ports, 500}, {&q.FloatingIPs, 50}, {&q.SecurityGroups, 10}, {&q.MaxPage, -1}} {
		front.Limit(d.n, d.value)
	}
	return q
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
