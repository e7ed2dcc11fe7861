package nova

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// maxMinor is the newest microversion's second number.
const maxMinor = 93

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{
		Prefix: "/compute", Handler: versioned(s.routes()), Error: refuse,
		Public: func(r *http.Request) bool {
			p := strings.Trim(r.URL.Path, "/")
			return p == "" || p == "v2.1"
		},
		Unauthorized: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(requestHeader, front.RequestID(w))
			front.JSONError(w, r, http.StatusUnauthorized, "The request you have made requires authentication.")
		},
	}
}

// requestHeader is the request's id under the name that it had first.
const requestHeader = "X-Compute-Request-Id"

// versionHeaders are on the answers of whatever read the request's microversion.
var versionHeaders = []string{"Openstack-Api-Version", "X-Openstack-Nova-Api-Version", "Vary"}

// refuse answers with an error. Nova names the character set of those, and knows no name for 406.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	front.NovaError(typed{w}, r, status, message)
}

// typed names the character set of JSON.
type typed struct{ http.ResponseWriter }

func (t typed) WriteHeader(status int) {
	t.Header().Set("Content-Type", "application/json; charset=UTF-8")
	t.ResponseWriter.WriteHeader(status)
}

// answer gives answers without a body the type that Nova's have.
type answer struct{ http.ResponseWriter }

func (a answer) WriteHeader(status int) {
	if a.Header().Get("Content-Type") == "" {
		a.Header().Set("Content-Type", "application/json")
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

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
		w = answer{w}
		w.Header().Set(requestHeader, front.RequestID(w))
		n, err := requested(r)
		if p, ok := errors.AsType[*front.Problem](err); ok && p.Status == http.StatusBadRequest {
			refuse(w, r, p.Status, p.Message)
			return
		}
		v := fmt.Sprintf("2.%d", n)
		w.Header().Set("Openstack-Api-Version", "compute "+v)
		w.Header().Set("X-Openstack-Nova-Api-Version", v)
		w.Header().Set("Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version")
		if err != nil {
			front.JSON(typed{w}, http.StatusNotAcceptable, map[string]any{"computeFault": map[string]any{"code": http.StatusNotAcceptable, "message": err.Error()}})
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
		return 0, front.Fail(http.StatusBadRequest, "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", text)
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || m[1] != "2" || n < 1 || n > maxMinor {
		return n, front.Fail(http.StatusNotAcceptable, "Version %s is not supported by the API. Minimum is 2.1 and maximum is 2.%d.", text, maxMinor)
	}
	return n, nil
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, front.Handler(refuse, h))
	}
	handle("GET /{$}", versions)
	handle("GET /v2.1", version)
	handle("GET /v2.1/{$}", version)
	handle("GET /v2.1/extensions", emptyList("extensions"))
	handle("GET /v2.1/flavors", s.listFlavors)
	handle("GET /v2.1/flavors/detail", s.listFlavorDetails)
	handle("GET /v2.1/flavors/{id}", s.showFlavor)
	handle("GET /v2.1/flavors/{id}/os-extra_specs", s.flavorSpecs)
	handle("GET /v2.1/os-keypairs", s.listKeyPairs)
	handle("POST /v2.1/os-keypairs", s.createKeyPair)
	handle("GET /v2.1/os-keypairs/{name}", s.showKeyPair)
	handle("DELETE /v2.1/os-keypairs/{name}", s.deleteKeyPair)
	handle("GET /v2.1/servers", s.listServers)
	handle("GET /v2.1/servers/detail", s.listServers)
	handle("POST /v2.1/servers", s.createServer)
	handle("GET /v2.1/servers/{id}", s.reading(s.showServer))
	handle("PUT /v2.1/servers/{id}", s.updateServer)
	handle("DELETE /v2.1/servers/{id}", s.deleteServer)
	handle("POST /v2.1/servers/{id}/action", s.action)
	handle("GET /v2.1/servers/{id}/ips", s.reading(s.listAddresses))
	handle("GET /v2.1/servers/{id}/ips/{network}", s.reading(s.showAddresses))
	handle("GET /v2.1/servers/{id}/metadata", s.reading(s.showMetadata))
	handle("POST /v2.1/servers/{id}/metadata", s.addMetadata)
	handle("PUT /v2.1/servers/{id}/metadata", s.replaceMetadata)
	handle("GET /v2.1/servers/{id}/metadata/{key}", s.reading(s.showMetadataItem))
	handle("PUT /v2.1/servers/{id}/metadata/{key}", s.setMetadataItem)
	handle("DELETE /v2.1/servers/{id}/metadata/{key}", s.deleteMetadataItem)
	handle("GET /v2.1/servers/{id}/tags", s.listTags)
	handle("PUT /v2.1/servers/{id}/tags", s.replaceTags)
	handle("DELETE /v2.1/servers/{id}/tags", s.deleteTags)
	handle("GET /v2.1/servers/{id}/tags/{tag}", s.checkTag)
	handle("PUT /v2.1/servers/{id}/tags/{tag}", s.addTag)
	handle("DELETE /v2.1/servers/{id}/tags/{tag}", s.deleteTag)
	handle("GET /v2.1/servers/{id}/os-interface", s.reading(s.listInterfaces))
	handle("POST /v2.1/servers/{id}/os-interface", s.attachInterface)
	handle("GET /v2.1/servers/{id}/os-interface/{port}", s.reading(s.showInterface))
	handle("DELETE /v2.1/servers/{id}/os-interface/{port}", s.detachInterface)
	handle("GET /v2.1/servers/{id}/os-volume_attachments", s.reading(s.listAttachments))
	handle("POST /v2.1/servers/{id}/os-volume_attachments", s.attachVolume)
	handle("GET /v2.1/servers/{id}/os-volume_attachments/{volume}", s.reading(s.showAttachment))
	handle("DELETE /v2.1/servers/{id}/os-volume_attachments/{volume}", s.detachVolume)
	handle("GET /v2.1/servers/{id}/os-security-groups", s.reading(s.serverSecurityGroups))
	handle("GET /v2.1/servers/{id}/os-instance-actions", s.reading(s.listActions))
	handle("GET /v2.1/servers/{id}/os-instance-actions/{request}", s.reading(s.showAction))
	handle("GET /v2.1/servers/{id}/os-server-password", s.reading(s.serverPassword))
	handle("DELETE /v2.1/servers/{id}/os-server-password", s.clearPassword)
	handle("GET /v2.1/limits", s.limits)
	handle("GET /v2.1/os-availability-zone", zones)
	handle("GET /v2.1/os-availability-zone/detail", zones)
	handle("GET /v2.1/os-quota-sets/{project}", s.quotaSet)
	handle("GET /v2.1/os-quota-sets/{project}/defaults", s.quotaSet)
	handle("GET /v2.1/os-quota-sets/{project}/detail", s.quotaDetail)
	handle("GET /v2.1/os-server-groups", s.listGroups)
	handle("POST /v2.1/os-server-groups", s.createGroup)
	handle("GET /v2.1/os-server-groups/{id}", s.showGroup)
	handle("DELETE /v2.1/os-server-groups/{id}", s.deleteGroup)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range versionHeaders { // what no controller has seen
			w.Header().Del(name)
		}
		front.GlancePage(w, r, http.StatusNotFound, "", "")
	})
	return mux
}

// reading serves what only reads the server that the path names; it holds the lock meanwhile.
func (s *Service) reading(h func(http.ResponseWriter, *http.Request, *Server) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		s.mu.RLock()
		defer s.mu.RUnlock()
		v, err := s.visible(front.CallerOf(r), r.PathValue("id"))
		if err != nil {
			return err
		}
		return h(w, r, v)
	}
}

func emptyList(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		front.JSON(w, http.StatusOK, map[string]any{name: []any{}})
		return nil
	}
}

func versionBody(r *http.Request) map[string]any {
	return map[string]any{
		"id": "v2.1", "status": "CURRENT", "version": fmt.Sprintf("2.%d", maxMinor), "min_version": "2.1", "updated": "2013-07-23T11:33:21Z",
		"links":       []map[string]string{{"rel": "self", "href": front.Base(r) + "/v2.1/"}},
		"media-types": []map[string]string{{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}},
	}
}

func versions(w http.ResponseWriter, r *http.Request) error {
	front.JSON(w, http.StatusOK, map[string]any{"versions": []any{versionBody(r)}})
	return nil
}

func version(w http.ResponseWriter, r *http.Request) error {
	front.JSON(w, http.StatusOK, map[string]any{"version": versionBody(r)})
	return nil
}

// errBody is what Nova says of a body that is no JSON.
var errBody = invalid("Malformed request body")

func invalid(format string, a ...any) error { return front.Fail(http.StatusBadRequest, format, a...) }

// unexpected is what Nova's schema says of a member that the microversion doesn't know.
func unexpected(name string) error {
	return invalid("Additional properties are not allowed ('%s' was unexpected)", name)
}

// decode reads the one member of a request's body.
func decode[T any](r *http.Request, name string) (T, error) {
	var zero T
	var outer map[string]json.RawMessage
	if err := front.Decode(r, &outer); err != nil {
		return zero, errBody
	}
	raw, ok := outer[name]
	if !ok {
		return zero, invalid("'%s' is a required property", name)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return zero, invalid("Invalid input for field/attribute %s. %s", name, err.Error())
	}
	return v, nil
}
