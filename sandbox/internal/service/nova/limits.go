package nova

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) limits(w http.ResponseWriter, r *http.Request) error {
	project := front.CallerOf(r).ProjectID
	if of := r.URL.Query().Get("tenant_id"); of != "" && front.CallerOf(r).Is("admin") {
		project = of
	}
	s.mu.RLock()
	used, most := s.used(project), s.quotaNumbers(r, project)
	s.mu.RUnlock()
	absolute := map[string]int{
		"maxTotalInstances": most["instances"], "maxTotalCores": most["cores"], "maxTotalRAMSize": most["ram"],
		"maxTotalKeypairs": most["key_pairs"], "maxServerMeta": most["metadata_items"], "maxServerGroups": most["server_groups"],
		"maxServerGroupMembers": most["server_group_members"],
		"totalInstancesUsed":    used.Instances, "totalCoresUsed": used.Cores, "totalRAMUsed": used.RAM, "totalServerGroupsUsed": 0,
	}
	if minor(r) < 57 {
		absolute["maxPersonality"], absolute["maxPersonalitySize"] = 5, 10240
	}
	answer.JSON(w, http.StatusOK, map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": absolute}})
	return nil
}
