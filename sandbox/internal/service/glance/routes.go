package glance

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{
		Prefix: "/image", Handler: s.routes(), Error: refuse,
		Public: func(r *http.Request) bool {
			p := strings.Trim(r.URL.Path, "/")
			return p == "" || p == "versions"
		},
		Unauthorized: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Del("X-Openstack-Request-Id") // the middleware refuses before it is given one
			refuse(w, r, http.StatusUnauthorized, answer.Unverified)
		},
	}
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, handler(h))
	}
	handle("GET /{$}", versions)
	handle("GET /versions", versions)
	handle("GET /v2/images", s.list)
	handle("POST /v2/images", s.create)
	handle("GET /v2/images/{id}", s.show)
	handle("PATCH /v2/images/{id}", s.patch)
	handle("DELETE /v2/images/{id}", s.delete)
	handle("PUT /v2/images/{id}/tags/{tag}", s.addTag)
	handle("DELETE /v2/images/{id}/tags/{tag}", s.removeTag)
	handle("POST /v2/images/{id}/actions/deactivate", s.deactivate)
	handle("POST /v2/images/{id}/actions/reactivate", s.reactivate)
	handle("GET /v2/images/{id}/file", s.download)
	handle("PUT /v2/images/{id}/file", s.upload)
	handle("PUT /v2/images/{id}/stage", s.stage)
	handle("POST /v2/images/{id}/import", s.importData)
	handle("GET /v2/images/{id}/tasks", s.listTasks)
	handle("GET /v2/tasks", s.allTasks)
	handle("GET /v2/images/{id}/members", s.listMembers)
	handle("POST /v2/images/{id}/members", s.addMember)
	handle("GET /v2/images/{id}/members/{member}", s.showMember)
	handle("PUT /v2/images/{id}/members/{member}", s.updateMember)
	handle("DELETE /v2/images/{id}/members/{member}", s.removeMember)
	handle("GET /v2/info/import", infoImport)
	handle("GET /v2/info/stores", infoStores)
	handle("GET /v2/info/usage", s.infoUsage)
	handle("GET /v2/schemas/{name}", schema)
	return fallback(mux)
}

func versions(w http.ResponseWriter, r *http.Request) error {
	var all []map[string]any
	for k, minor := range []int{15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0} {
		status := "SUPPORTED"
		if k == 0 {
			status = "CURRENT"
		}
		all = append(all, map[string]any{
			"id": fmt.Sprintf("v2.%d", minor), "status": status,
			"links": []map[string]any{{"rel": "self", "href": front.Base(r) + "/v2/"}},
		})
	}
	status := http.StatusMultipleChoices
	if r.URL.Path == "/versions" {
		status = http.StatusOK
	}
	answer.JSON(w, status, map[string]any{"versions": all})
	return nil
}
