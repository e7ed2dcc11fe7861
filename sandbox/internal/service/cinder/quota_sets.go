package cinder

import (
	"maps"
	"math"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) limits(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	project := front.CallerOf(r).ProjectID
	n, sum := s.usage(project)
	most := s.quotasOf(project)
	answer.JSON(w, http.StatusOK, map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": map[string]any{
		"maxTotalVolumes": most["volumes"], "totalVolumesUsed": n, "maxTotalVolumeGigabytes": most["gigabytes"],
		"totalGigabytesUsed": sum, "maxTotalSnapshots": most["snapshots"], "totalSnapshotsUsed": s.snapshots.Count(project),
		"maxTotalBackups": most["backups"], "totalBackupsUsed": s.backups.Count(project),
	}}})
	return nil
}

// quotasOf are a project's limits, those of each volume type among them.
func (s *Service) quotasOf(project string) map[string]int {
	all := map[string]int{
		"volumes": s.quotas.Volumes, "gigabytes": s.quotas.Gigabytes, "snapshots": s.quotas.Snapshots, "backups": s.quotas.Backups,
		"backup_gigabytes": 1000, "groups": 10, "per_volume_gigabytes": -1,
	}
	for _, row := range s.types.Rows() {
		for _, what := range []string{"volumes_", "gigabytes_", "snapshots_"} {
			all[what+row.Text("name")] = -1
		}
	}
	maps.Copy(all, s.limited[project])
	return all
}

func (s *Service) quotaSet(r *http.Request, c front.Caller) (int, any, error) {
	project := r.PathValue("project")
	if !may(c, project) {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:quotas:show to be performed.")
	}
	of := project
	if strings.HasSuffix(r.URL.Path, "/defaults") {
		of = ""
	}
	volumes, gigabytes := s.usage(project)
	used := map[string]int{
		"volumes": volumes, "gigabytes": gigabytes, "snapshots": s.snapshots.Count(project), "backups": s.backups.Count(project),
	}
	body := map[string]any{"id": project}
	for name, limit := range s.quotasOf(of) {
		body[name] = limit
		if asked := r.URL.Query().Get("usage"); strings.EqualFold(asked, "true") {
			body[name] = map[string]int{"limit": limit, "in_use": used[name], "reserved": 0, "allocated": 0}
		}
	}
	return http.StatusOK, map[string]any{"quota_set": body}, nil
}

// quotaClass shows the limits that projects have by default. Setting them has no effect.
func (s *Service) quotaClass(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:quota_classes:get to be performed.")
	}
	body := map[string]any{}
	for name, limit := range s.quotasOf("") {
		body[name] = limit
	}
	if r.Method == http.MethodGet {
		body["id"] = r.PathValue("class")
	}
	return http.StatusOK, map[string]any{"quota_class_set": body}, nil
}

// setQuotas changes a project's limits, or gives it the defaults back.
func (s *Service) setQuotas(r *http.Request, c front.Caller) (int, any, error) {
	project := r.PathValue("project")
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:quotas:update to be performed.")
	}
	if r.Method == http.MethodDelete {
		delete(s.limited, project)
		return http.StatusOK, nil, nil
	}
	var q struct {
		Set map[string]any `json:"quota_set"`
	}
	if err := decode(r, &q); err != nil {
		return 0, nil, err
	}
	all := s.quotasOf(project)
	delete(q.Set, "tenant_id") // which clients repeat from the path
	for name, value := range q.Set {
		number, ok := value.(float64)
		if _, known := all[name]; !known || !ok {
			return 0, nil, answer.Fail(http.StatusBadRequest, "Bad key(s) in quota set: %s", name)
		}
		all[name] = int(number)
	}
	s.limited[project] = all
	return http.StatusOK, map[string]any{"quota_set": all}, nil
}

const host = "sandbox@volumes"

// processes serves what a Cinder consists of.
func (s *Service) processes(_ *http.Request, c front.Caller) (int, any, error) {
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:services:index to be performed.")
	}
	all := []map[string]any{}
	for binary, at := range map[string]string{"cinder-scheduler": "sandbox", "cinder-volume": host, "cinder-backup": "sandbox"} {
		all = append(all, map[string]any{
			"binary": binary, "host": at, "zone": Zone, "status": "enabled", "state": "up", "disabled_reason": nil,
			"updated_at": stamp(s.clock.Now()), "frozen": false,
		})
	}
	return http.StatusOK, map[string]any{"services": all}, nil
}

// pools serves where volumes are.
func (s *Service) pools(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden,
			"Policy doesn't allow scheduler_extension:scheduler_stats:get_pools to be performed.")
	}
	pool := map[string]any{"name": host + "#volumes"}
	if strings.EqualFold(r.URL.Query().Get("detail"), "true") {
		pool["capabilities"] = map[string]any{
			"driver_version": "1.0", "total_capacity_gb": 1000.0, "free_capacity_gb": 1000.0, "storage_protocol": "file",
			"volume_backend_name": "volumes", "vendor_name": "imgctl", "reserved_percentage": 0, "QoS_support": false,
		}
	}
	return http.StatusOK, map[string]any{"pools": []map[string]any{pool}}, nil
}

// Quotas are limits per project; 0 = Cinder's default, below 0 = none.
type Quotas struct {
	Volumes   int // default 10
	Gigabytes int // default 1000
	Snapshots int // default 10
	Backups   int // default 10

	MaxPage int // most objects of a page; default 1000
}

func (q Quotas) withDefaults() Quotas {
	for _, d := range []struct {
		n     *int
		value int
	}{{&q.Volumes, 10}, {&q.Gigabytes, 1000}, {&q.Snapshots, 10}, {&q.Backups, 10}, {&q.MaxPage, 1000}} {
		front.Limit(d.n, d.value)
	}
	if q.MaxPage < 0 {
		q.MaxPage = math.MaxInt
	}
	return q
}

// room checks the quotas for one more volume. The caller holds the lock.
func (s *Service) room(project string, size int) error {
	n, sum := s.usage(project)
	if q := s.quotasOf(project)["volumes"]; q >= 0 && n >= q {
		return answer.Fail(http.StatusRequestEntityTooLarge,
			"VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", q)
	}
	if q := s.quotasOf(project)["gigabytes"]; q >= 0 && sum+size > q {
		return answer.Fail(http.StatusRequestEntityTooLarge,
			"VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested %dG, quota is "+
				"%dG and %dG has been consumed.", size, q, sum)
	}
	return nil
}

func (s *Service) usage(project string) (volumes, gigabytes int) {
	for _, v := range s.volumes {
		if v.ProjectID == project {
			volumes++
			gigabytes += v.Size
		}
	}
	return volumes, gigabytes
}
