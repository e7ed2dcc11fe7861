package nova

import (
	"maps"
	"math"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) checkQuota(v *Server, count int) error {
	used, most := s.used(v.ProjectID), s.limited[v.ProjectID]
	limit := func(name string, usual int) int {
		if n, is := most[name]; is {
			return n
		}
		return usual
	}
	for _, q := range []struct {
		name              string
		want, used, limit int
	}{
		{"instances", count, used.Instances, limit("instances", s.quotas.Instances)},
		{"cores", count * v.Flavor.VCPUs, used.Cores, limit("cores", s.quotas.Cores)},
		{"ram", count * v.Flavor.RAM, used.RAM, limit("ram", s.quotas.RAM)},
	} {
		if q.limit >= 0 && q.used+q.want > q.limit {
			return answer.Fail(http.StatusForbidden, "Quota exceeded for %s: Requested %d, but already used %d of %d %s", q.name, q.want,
				q.used, q.limit, q.name)
		}
	}
	return nil
}

// used is what a project's servers take. The caller holds the lock.
func (s *Service) used(project string) Quotas {
	var q Quotas
	for _, v := range s.order {
		if v.ProjectID == project {
			q.Instances++
			q.Cores += v.Flavor.VCPUs
			q.RAM += v.Flavor.RAM
		}
	}
	return q
}

// quotaNumbers are a project's limits, as the request's microversion has them. The caller holds the lock.
func (s *Service) quotaNumbers(r *http.Request, project string) map[string]int {
	all := map[string]int{
		"instances": s.quotas.Instances, "cores": s.quotas.Cores, "ram": s.quotas.RAM, "key_pairs": s.quotas.KeyPairs,
		"metadata_items": s.quotas.MetadataItems, "server_groups": 10, "server_group_members": 10, "injected_files": 5,
		"injected_file_content_bytes": 10240, "injected_file_path_bytes": 255, "fixed_ips": -1, "floating_ips": -1, "security_groups": -1,
		"security_group_rules": -1,
	}
	maps.Copy(all, s.limited[project])
	maps.DeleteFunc(all, func(name string, _ int) bool {
		return minor(r) >= 36 && (strings.HasSuffix(name, "_ips") || strings.HasPrefix(name, "security_")) ||
			minor(r) >= 57 && strings.HasPrefix(name, "injected_")
	})
	return all
}

// setQuotas changes a project's limits, or gives it the defaults back.
func (s *Service) setQuotas(r *http.Request, c front.Caller) (int, any, error) {
	project := r.PathValue("project")
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-quota-sets:update to be performed.")
	}
	if r.Method == http.MethodDelete {
		delete(s.limited, project)
		return http.StatusAccepted, nil, nil
	}
	q, err := decode[map[string]any](r, "quota_set")
	if err != nil {
		return 0, nil, err
	}
	all := s.quotaNumbers(r, project)
	for name, value := range q {
		number, ok := value.(float64)
		if _, known := all[name]; !known && name != "force" || !ok && name != "force" {
			return 0, nil, invalid("Invalid input for field/attribute quota_set. Additional properties are not allowed "+
				"('%s' was unexpected)", name)
		}
		if name != "force" {
			all[name] = int(number)
		}
	}
	s.limited[project] = all
	return http.StatusOK, map[string]any{"quota_set": all}, nil
}

// quotaClass shows the limits that projects have by default. Setting them has no effect.
func (s *Service) quotaClass(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-quota-class-sets:show to be performed.")
	}
	body := map[string]any{}
	for name, limit := range s.quotaNumbers(r, "") {
		if minor(r) >= 50 || !strings.HasPrefix(name, "server_group") {
			body[name] = limit
		}
	}
	if r.Method == http.MethodGet {
		body["id"] = r.PathValue("class")
	}
	return http.StatusOK, map[string]any{"quota_class_set": body}, nil
}

func (s *Service) mayQuota(r *http.Request) error {
	c := front.CallerOf(r)
	if r.PathValue("project") != c.ProjectID && !c.Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.")
	}
	return nil
}

func (s *Service) quotaSet(w http.ResponseWriter, r *http.Request) error {
	if err := s.mayQuota(r); err != nil {
		return err
	}
	b := map[string]any{"id": r.PathValue("project")}
	of := r.PathValue("project")
	if strings.HasSuffix(r.URL.Path, "/defaults") {
		of = ""
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for k, n := range s.quotaNumbers(r, of) {
		b[k] = n
	}
	answer.JSON(w, http.StatusOK, map[string]any{"quota_set": b})
	return nil
}

func (s *Service) quotaDetail(w http.ResponseWriter, r *http.Request) error {
	if err := s.mayQuota(r); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	used := s.used(r.PathValue("project"))
	in := map[string]int{"instances": used.Instances, "cores": used.Cores, "ram": used.RAM}
	b := map[string]any{"id": r.PathValue("project")}
	for k, n := range s.quotaNumbers(r, r.PathValue("project")) {
		b[k] = map[string]int{"limit": n, "in_use": in[k], "reserved": 0}
	}
	answer.JSON(w, http.StatusOK, map[string]any{"quota_set": b})
	return nil
}

// Quotas are limits per project; 0 = Nova's default, below 0 = none.
type Quotas struct {
	Instances     int // default 10
	Cores         int // default 20
	RAM           int // MiB; default 51200
	KeyPairs      int // per user; default 100
	MetadataItems int // per server; default 128

	MaxPage int // most objects of a page; default 1000
}

func (q Quotas) withDefaults() Quotas {
	for _, d := range []struct {
		n     *int
		value int
	}{{&q.Instances, 10}, {&q.Cores, 20}, {&q.RAM, 51200}, {&q.KeyPairs, 100}, {&q.MetadataItems, 128}, {&q.MaxPage, 1000}} {
		front.Limit(d.n, d.value)
	}
	if q.MaxPage < 0 {
		q.MaxPage = math.MaxInt
	}
	return q
}
