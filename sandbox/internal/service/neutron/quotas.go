package neutron

import (
	"maps"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// quotasOf are a project's limits.
func (s *Service) quotasOf(project string) map[string]int {
	q := s.quotas
	all := map[string]int{
		"network": q.Networks, "subnet": q.Networks, "port": q.Ports, "floatingip": q.FloatingIPs, "security_group": q.SecurityGroups,
		"security_group_rule": 100, "router": 10, "subnetpool": -1, "rbac_policy": 10,
	}
	maps.Copy(all, s.limits[project])
	return all
}

// most is a project's limit of one resource.
func (s *Service) most(project, resource string) int { return s.quotasOf(project)[resource] }

func (s *Service) showQuotas(r *http.Request, c front.Caller) (int, any, error) {
	project := r.PathValue("project")
	if project != c.ProjectID && !c.Is("admin") {
		return 0, nil, disallowed("get_quota")
	}
	if strings.HasSuffix(r.URL.Path, "/default") {
		project = ""
	}
	return http.StatusOK, map[string]any{"quota": s.quotasOf(project)}, nil
}

// quotaDetails serves a project's limits with what of them is used.
func (s *Service) quotaDetails(r *http.Request, c front.Caller) (int, any, error) {
	project := r.PathValue("project")
	if project != c.ProjectID && !c.Is("admin") {
		return 0, nil, disallowed("get_quota")
	}
	rules := 0
	for _, g := range s.groups {
		if g.ProjectID == project {
			rules += len(g.Rules)
		}
	}
	used := map[string]int{
		"network":        count(s.networks, func(n *Network) bool { return n.ProjectID == project }),
		"subnet":         count(s.subnets, func(n *Subnet) bool { return n.ProjectID == project }),
		"port":           count(s.ports, func(p *Port) bool { return p.ProjectID == project }),
		"floatingip":     count(s.floating, func(f *FloatingIP) bool { return f.ProjectID == project }),
		"router":         count(s.routers, func(o *Router) bool { return o.ProjectID == project }),
		"security_group": count(s.groups, func(g *SecurityGroup) bool { return g.ProjectID == project }), "security_group_rule": rules,
		"subnetpool": s.pools.Count(project), "rbac_policy": s.rbac.Count(project),
	}
	details := map[string]any{}
	for name, limit := range s.quotasOf(project) {
		details[name] = map[string]int{"limit": limit, "used": used[name], "reserved": 0}
	}
	return http.StatusOK, map[string]any{"quota": details}, nil
}

// setQuotas changes a project's limits, or gives it the defaults back.
func (s *Service) setQuotas(r *http.Request, c front.Caller) (int, any, error) {
	project := r.PathValue("project")
	if !c.Is("admin") {
		return 0, nil, disallowed(map[string]string{"PUT": "update_quota", "DELETE": "delete_quota"}[r.Method])
	}
	if r.Method == http.MethodDelete {
		delete(s.limits, project)
		return http.StatusNoContent, nil, nil
	}
	var q struct {
		Quota map[string]int `json:"quota"`
	}
	if answer.Decode(r, &q) != nil {
		return 0, nil, malformed("Body contains invalid data")
	}
	known := s.quotasOf(project)
	for name := range q.Quota {
		if _, is := known[name]; !is {
			return 0, nil, malformed("Unrecognized attribute(s) '%s'", name)
		}
	}
	maps.Copy(known, q.Quota)
	s.limits[project] = known
	return http.StatusOK, map[string]any{"quota": known}, nil
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
