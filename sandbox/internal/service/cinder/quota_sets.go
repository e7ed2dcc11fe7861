package cinder

import (
	"math"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) limits(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, sum := s.usage(front.CallerOf(r).ProjectID)
	answer.JSON(w, http.StatusOK, map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": map[string]any{
		"maxTotalVolumes": s.quotas.Volumes, "totalVolumesUsed": n, "maxTotalVolumeGigabytes": s.quotas.Gigabytes,
		"totalGigabytesUsed": sum,
		"maxTotalSnapshots":  s.quotas.Snapshots, "totalSnapshotsUsed": s.snapshots.Count(front.CallerOf(r).ProjectID),
		"maxTotalBackups": s.quotas.Backups, "totalBackupsUsed": s.backups.Count(front.CallerOf(r).ProjectID),
	}}})
	return nil
}

func (s *Service) quotaSet(w http.ResponseWriter, r *http.Request) error {
	project := r.PathValue("project")
	if !may(front.CallerOf(r), project) {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:quotas:show to be performed.")
	}
	answer.JSON(w, http.StatusOK, map[string]any{"quota_set": map[string]any{
		"id": project, "volumes": s.quotas.Volumes, "gigabytes": s.quotas.Gigabytes, "snapshots": s.quotas.Snapshots,
		"backups":              s.quotas.Backups,
		"per_volume_gigabytes": -1,
	}})
	return nil
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
	if q := s.quotas.Volumes; q >= 0 && n >= q {
		return answer.Fail(http.StatusRequestEntityTooLarge,
			"VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", q)
	}
	if q := s.quotas.Gigabytes; q >= 0 && sum+size > q {
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
