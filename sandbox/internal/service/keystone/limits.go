package keystone

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

func limitModel(*http.Request, front.Caller) (int, any, error) {
	return http.StatusOK, map[string]any{"model": map[string]any{
		"name": "flat", "description": "Limit enforcement and validation does not take project hierarchy into consideration.",
	}}, nil
}

// alike reports whether two limits are about the same resource.
func alike(a, b *resource.Row) bool {
	return a.Text("service_id") == b.Text("service_id") && a.Text("resource_name") == b.Text("resource_name") &&
		a.Text("region_id") == b.Text("region_id")
}

func (s *Service) checkRegistered(_ *http.Request, _ front.Caller, row *resource.Row) error {
	for _, o := range s.registered.Rows() {
		if alike(o, row) {
			return duplicate("registered_limit", row.Text("resource_name"))
		}
	}
	return nil
}

func (s *Service) endRegistered(row *resource.Row) (bool, error) {
	for _, o := range s.limits.Rows() {
		if alike(o, row) {
			return false, answer.Fail(http.StatusForbidden, "Unable to update or delete registered limit %s because there are project "+
				"limits associated with it.", row.ID())
		}
	}
	return false, nil
}

// checkLimit refuses a project's limit of what has none for all.
func (s *Service) checkLimit(_ *http.Request, _ front.Caller, row *resource.Row) error {
	for _, o := range s.registered.Rows() {
		if alike(o, row) {
			return nil
		}
	}
	return answer.Fail(http.StatusForbidden, "Unable to create a limit that has no corresponding registered limit.")
}
