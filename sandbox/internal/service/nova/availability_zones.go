package nova

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func zones(w http.ResponseWriter, _ *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{"availabilityZoneInfo": []any{map[string]any{
		"zoneName":  "nova",
		"zoneState": map[string]bool{"available": true}, "hosts": nil,
	}}})
	return nil
}
