package cinder

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// maxVersion is the newest microversion.
const (
	maxMinor   = 70
	maxVersion = "3.70"
)

const (
	versionHeader = "OpenStack-API-Version"
	requestHeader = "X-Compute-Request-Id"
)

var projectID = regexp.MustCompile(`^/v3/([0-9a-f]{32})(/.*|$)`)

// projectless takes the project's id out of a path, which may have it or not, and answers the
// microversion.
func projectless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(requestHeader, front.RequestID(w))
		version := microversion(r)
		minor, ok := strings.CutPrefix(version, "3.")
		if n, err := strconv.Atoi(minor); !ok || err != nil {
			answer.Nova(w, r, http.StatusBadRequest, "API Version String "+version+
				" is of invalid format. Must be of format MajorNum.MinorNum.")
			return
		} else if n > maxMinor {
			w.Header().Set(versionHeader, "volume "+version)
			w.Header().Set("Vary", versionHeader)
			answer.JSON(w, http.StatusNotAcceptable, map[string]any{"computeFault": map[string]any{
				"code": http.StatusNotAcceptable, "message": "Version " + version +
					" is not supported by the API. Minimum is 3.0 and maximum is " + maxVersion + ".",
			}})
			return
		}
		w.Header().Set(versionHeader, "volume "+version)
		w.Header().Set("Vary", versionHeader)
		if m := projectID.FindStringSubmatch(r.URL.Path); m != nil {
			if m[1] != front.CallerOf(r).ProjectID {
				answer.Nova(w, r, http.StatusBadRequest, "Malformed request url")
				return
			}
			u := *r.URL
			u.Path = "/v3" + m[2]
			r = r.Clone(r.Context())
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}

func microversion(r *http.Request) string {
	v, ok := strings.CutPrefix(r.Header.Get(versionHeader), "volume ")
	switch {
	case !ok:
		return "3.0"
	case v == "latest":
		return maxVersion
	}
	return v
}

// atLeast reports whether a request asks for the microversion 3.minor or a newer one.
func atLeast(r *http.Request, minor int) bool {
	_, have, _ := strings.Cut(microversion(r), ".")
	n, _ := strconv.Atoi(have)
	return n >= minor
}
