package ironic

import (
	"fmt"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{
		Prefix: "/baremetal", Handler: versioned(s.routes()), Error: answer.Ironic,
		Unauthorized: func(w http.ResponseWriter, r *http.Request) {
			renameRequest(w.Header())
			answer.Keystone(w, r, http.StatusUnauthorized, "The request you have made requires authentication.")
		},
	}
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, answer.Handler(answer.Ironic, h))
	}
	handle("GET /{$}", versions)
	handle("GET /v1", root)
	handle("GET /v1/{$}", root)
	handle("GET /v1/nodes", s.listNodes)
	handle("POST /v1/nodes", s.createNode)
	handle("DELETE /v1/nodes/{id}", s.deleteNode)
	handle("GET /v1/nodes/{id}", s.showNode)
	handle("PATCH /v1/nodes/{id}", s.patchNode)
	handle("GET /v1/nodes/{id}/validate", s.validateNode)
	handle("GET /v1/nodes/{id}/states", s.showStates)
	handle("PUT /v1/nodes/{id}/states/provision", s.provision)
	handle("PUT /v1/nodes/{id}/states/power", s.setPower)
	handle("PUT /v1/nodes/{id}/maintenance", s.setMaintenance)
	handle("DELETE /v1/nodes/{id}/maintenance", s.clearMaintenance)
	mux.Handle("GET /v1/allocations", allocatable(http.StatusNotFound, s.listAllocations))
	mux.Handle("POST /v1/allocations", allocatable(http.StatusMethodNotAllowed, s.createAllocation))
	handle("GET /v1/allocations/{id}", s.showAllocation)
	handle("DELETE /v1/allocations/{id}", s.deleteAllocation)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { headless(w, r, http.StatusNotFound, "") })
	return mux
}

func version(r *http.Request) map[string]any {
	return map[string]any{
		"id": "v1", "links": []map[string]any{{"href": front.Base(r) + "/v1/", "rel": "self"}}, "status": "CURRENT",
		"min_version": "1.1", "version": fmt.Sprintf("1.%d", maxMinor),
	}
}

func versions(w http.ResponseWriter, r *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{
		"name":        "OpenStack Ironic API",
		"description": "Ironic is an OpenStack project which enables the provision and management of baremetal machines.",
		"versions":    []any{version(r)}, "default_version": version(r),
	})
	return nil
}

func root(w http.ResponseWriter, r *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{"id": "v1", "version": version(r)})
	return nil
}
