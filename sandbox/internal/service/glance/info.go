package glance

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func infoImport(w http.ResponseWriter, _ *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{"import-methods": map[string]any{
		"description": "Import methods available.", "type": "array", "value": importMethods,
	}})
	return nil
}

func infoStores(w http.ResponseWriter, _ *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{"stores": []map[string]any{{"id": defaultStore, "default": "true"}}})
	return nil
}

// infoUsage serves the limits that Keystone keeps for Glance, with what of them is used. Glance has nothing to
// tell where it doesn't use these limits.
func (s *Service) infoUsage(w http.ResponseWriter, r *http.Request) error {
	project := front.CallerOf(r).ProjectID
	if s.quotas.CountTotal <= 0 && s.quotas.MiBTotal <= 0 {
		return answer.Fail(http.StatusNotFound, "Quotas are not enabled")
	}
	s.mu.RLock()
	count, size := s.count(project), s.used(project)
	s.mu.RUnlock()
	limit := func(n int) int {
		if n <= 0 {
			return -1
		}
		return n
	}
	answer.JSON(w, http.StatusOK, map[string]any{"usage": map[string]any{
		"image_size_total":      map[string]any{"limit": limit(s.quotas.MiBTotal), "usage": size >> 20},
		"image_stage_total":     map[string]any{"limit": -1, "usage": 0},
		"image_count_total":     map[string]any{"limit": limit(s.quotas.CountTotal), "usage": count},
		"image_count_uploading": map[string]any{"limit": -1, "usage": 0},
	}})
	return nil
}
