package nova

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// diagnostics are what a hypervisor that doesn't measure says of a server: its memory in KiB, and no time of a processor.
func (s *Service) diagnostics(w http.ResponseWriter, r *http.Request, v *Server) error {
	if !front.CallerOf(r).Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-server-diagnostics to be performed.")
	}
	answer.JSON(w, http.StatusOK, map[string]any{"memory": v.Flavor.RAM << 10, "cpu0_time": 0})
	return nil
}
