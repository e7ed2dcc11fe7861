package nova

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// since says from which microversion on a member of a creation is known; those of 1 always are.
var since = map[string]int{
	"name": 1, "imageRef": 1, "flavorRef": 1, "key_name": 1, "adminPass": 1, "user_data": 1, "availability_zone": 1, "config_drive": 1,
	"metadata": 1, "security_groups": 1,
	"networks": 1, "block_device_mapping_v2": 1, "min_count": 1, "max_count": 1, "accessIPv4": 1, "accessIPv6": 1, "OS-DCF:diskConfig": 1,
	"return_reservation_id": 1,
	"personality":           1, "description": 19, "tags": 52, "trusted_image_certificates": 63, "host": 74, "hypervisor_hostname": 74,
	"hostname": 90,
}

// maxMinor is the newest microversion's second number.
const maxMinor = 93

// requestHeader is the request's id under the name that it had first.
const requestHeader = "X-Compute-Request-Id"

// versionHeaders are on the answers of whatever read the request's microversion.
var versionHeaders = []string{"Openstack-Api-Version", "X-Openstack-Nova-Api-Version", "Vary"}

type minorKey struct{}

// minor is the second number of the request's microversion 2.x.
func minor(r *http.Request) int {
	n, _ := r.Context().Value(minorKey{}).(int)
	return n
}

var (
	versionText = regexp.MustCompile(`^(\d+)\.(\d+)$`)
	projectPath = regexp.MustCompile(`^/v2\.1/[0-9a-f]{32}(/.*|$)`)
)

// versioned reads the microversion and takes a project's id out of the path, which may have it or not.
func versioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = plain{w}
		w.Header().Set(requestHeader, front.RequestID(w))
		n, err := requested(r)
		if p, ok := errors.AsType[*answer.Problem](err); ok && p.Status == http.StatusBadRequest {
			refuse(w, r, p.Status, p.Message)
			return
		}
		v := fmt.Sprintf("2.%d", n)
		w.Header().Set("Openstack-Api-Version", "compute "+v)
		w.Header().Set("X-Openstack-Nova-Api-Version", v)
		w.Header().Set("Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version")
		if err != nil {
			answer.JSON(typed{w}, http.StatusNotAcceptable,
				map[string]any{"computeFault": map[string]any{"code": http.StatusNotAcceptable, "message": err.Error()}})
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), minorKey{}, n))
		if m := projectPath.FindStringSubmatch(r.URL.Path); m != nil {
			u := *r.URL
			u.Path = "/v2.1" + m[1]
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}

func requested(r *http.Request) (int, error) {
	text := r.Header.Get("X-Openstack-Nova-Api-Version")
	for part := range strings.SplitSeq(r.Header.Get("Openstack-Api-Version"), ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "compute "); ok {
			text = strings.TrimSpace(v)
		}
	}
	switch text {
	case "":
		return 1, nil
	case "latest":
		return maxMinor, nil
	}
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return 0, answer.Fail(http.StatusBadRequest, "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.",
			text)
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || m[1] != "2" || n < 1 || n > maxMinor {
		return n, answer.Fail(http.StatusNotAcceptable, "Version %s is not supported by the API. Minimum is 2.1 and maximum is 2.%d.", text,
			maxMinor)
	}
	return n, nil
}
