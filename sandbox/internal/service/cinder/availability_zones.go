package cinder

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func zones(w http.ResponseWriter, _ *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{"availabilityZoneInfo": []map[string]any{
		{"zoneName": Zone, "zoneState": map[string]any{"available": true}},
	}})
	return nil
}

// Zone is the one availability zone.
const Zone = "nova"
