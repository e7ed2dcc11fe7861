package ironic

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

const (
	versionHeader = "X-OpenStack-Ironic-API-Version"
	maxMinor      = 82
	withFields    = 8 // the first whose answers may be cut to some fields
)

type versionKey struct{}

// versioned serves with the version that a request asks for: 1.1 unless it has a header.
func versioned(next http.Handler) http.Handler {
	return answer.Handler(answer.IronicPlainly, func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		renameRequest(h)
		h.Set("X-OpenStack-Ironic-API-Minimum-Version", "1.1")
		h.Set("X-OpenStack-Ironic-API-Maximum-Version", fmt.Sprintf("1.%d", maxMinor))
		minor := 1
		switch asked := r.Header.Get(versionHeader); asked {
		case "":
		case "latest":
			minor = maxMinor
		default:
			major, rest, ok := strings.Cut(asked, ".")
			var err error
			if minor, err = strconv.Atoi(rest); !ok || err != nil {
				h.Del("X-OpenStack-Ironic-API-Minimum-Version")
				h.Del("X-OpenStack-Ironic-API-Maximum-Version")
				return answer.Fail(http.StatusNotAcceptable, "Invalid value for %s header", versionHeader)
			}
			if major != "1" {
				return answer.Fail(http.StatusNotAcceptable, "Mutually exclusive versions requested. Version %s requested but not "+
					"supported by this service. The supported version range is: [1.1, 1.%d].", asked, maxMinor)
			}
			if minor < 1 || minor > maxMinor {
				return answer.Fail(http.StatusNotAcceptable, "Version %s was requested but the minor version is not supported by this "+
					"service. The supported version range is: [1.1, 1.%d].", asked, maxMinor)
			}
		}
		h.Set(versionHeader, fmt.Sprintf("1.%d", minor))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), versionKey{}, minor)))
		return nil
	})
}

// renameRequest gives the request's id the header that Ironic has for it.
func renameRequest(h http.Header) {
	if id := h.Get("X-Openstack-Request-Id"); id != "" {
		h.Del("X-Openstack-Request-Id")
		h.Set("Openstack-Request-Id", id)
	}
}

func minorOf(r *http.Request) int {
	minor, _ := r.Context().Value(versionKey{}).(int)
	return minor
}

// since is the minor version that introduced a field of nodes.
var since = map[string]int{
	"driver_internal_info": 3, "name": 5, "inspection_finished_at": 6, "inspection_started_at": 6, "clean_step": 7, "raid_config": 12,
	"target_raid_config": 12, "states": 14, "network_interface": 20, "resource_class": 21, "portgroups": 24, "boot_interface": 31,
	"console_interface": 31, "deploy_interface": 31, "inspect_interface": 31, "management_interface": 31, "power_interface": 31,
	"raid_interface": 31, "vendor_interface": 31, "volume": 32, "storage_interface": 33, "traits": 37, "rescue_interface": 38,
	"bios_interface": 40, "fault": 42, "deploy_step": 44, "conductor_group": 46, "automated_clean": 47, "protected": 48,
	"protected_reason": 48, "conductor": 49, "owner": 50, "description": 51, "allocation_uuid": 52, "retired": 61,
	"retired_reason": 61, "lessee": 65, "network_data": 66, "boot_mode": 75, "secure_boot": 75, "shard": 82,
}
