package nova

import (
	"math"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) checkQuota(v *Server, count int) error {
	used := s.used(v.ProjectID)
	for _, q := range []struct {
		name              string
		want, used, limit int
	}{
		{"instances", count, used.Instances, s.quotas.Instances},
		{"cores", count * v.Flavor.VCPUs, used.Cores, s.quotas.Cores},
		{"ram", count * v.Flavor.RAM, used.RAM, s.quotas.RAM},
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

func (s *Service) quotaNumbers() map[string]int {
	return map[string]int{
		"instances": s.quotas.Instances, "cores": s.quotas.Cores, "ram": s.quotas.RAM, "key_pairs": s.quotas.KeyPairs,
		"metadata_items": s.quotas.MetadataItems, "server_groups": 10, "server_group_members": 10,
	}
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
	for k, n := range s.quotaNumbers() {
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
	used := s.used(r.PathValue("project"))
	s.mu.RUnlock()
	in := map[string]int{"instances": used.Instances, "cores": used.Cores, "ram": used.RAM}
	b := map[string]any{"id": r.PathValue("project")}
	for k, n := range s.quotaNumbers() {
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
