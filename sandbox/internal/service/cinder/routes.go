package cinder

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{Prefix: "/volume", Handler: projectless(s.routes()), Error: answer.Nova}
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, answer.Handler(answer.Nova, h))
	}
	handle("GET /{$}", versions)
	handle("GET /v3/{$}", versions)
	handle("GET /v3", versions)
	handle("POST /v3/volumes", s.createVolume)
	handle("PUT /v3/volumes/{id}", s.updateVolume)
	handle("DELETE /v3/volumes/{id}", s.deleteVolume)
	handle("POST /v3/volumes/{id}/action", s.action)
	handle("GET /v3/volumes/{id}/encryption", s.showEncryption)
	handle("GET /v3/volumes/{id}/metadata", s.showMetadata)
	handle("POST /v3/volumes/{id}/metadata", s.addMetadata)
	handle("PUT /v3/volumes/{id}/metadata", s.replaceMetadata)
	handle("DELETE /v3/volumes/{id}/metadata/{key}", s.removeMetadata)
	for _, k := range []*resource.Kind{s.volumeKind(), &s.snapshots.Kind, &s.backups.Kind} {
		s.style().Mount(mux, k)
	}
	mux.Handle("POST /v3/backups/{id}/restore", s.serve(s.restore))
	s.typeCalls(mux)
	s.mountQoS(mux)
	s.mountAttachments(mux)
	s.mountTransfers(mux)
	s.mountEmpty(mux)
	s.style().MountMapping(mux, s.snapshots, "metadata", "metadata", http.StatusOK)
	for _, t := range []*resource.Table{s.snapshots, s.backups} {
		mux.Handle("POST "+t.Path+"/{id}/action", s.serve(s.recordAction(t)))
	}
	handle("GET /v3/limits", s.limits)
	for pattern, h := range map[string]resource.Handler{
		"GET /v3/os-quota-sets/{project}": s.quotaSet, "PUT /v3/os-quota-sets/{project}": s.setQuotas,
		"DELETE /v3/os-quota-sets/{project}": s.setQuotas, "GET /v3/os-quota-sets/{project}/defaults": s.quotaSet,
		"GET /v3/os-quota-class-sets/{class}": s.quotaClass, "PUT /v3/os-quota-class-sets/{class}": s.quotaClass,
		"PUT /v3/os-services/{action}": unknownHost,
		"GET /v3/os-services":          s.processes, "GET /v3/scheduler-stats/get_pools": s.pools,
	} {
		mux.Handle(pattern, s.serve(h))
	}
	handle("GET /v3/os-availability-zone", zones)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{versionHeader, "Vary", requestHeader} { // what no controller has seen
			w.Header().Del(name)
		}
		answer.WebOb(w, r, http.StatusNotFound, "", "")
	})
	return mux
}

func versions(w http.ResponseWriter, r *http.Request) error {
	status := http.StatusOK
	if r.URL.Path == "/" {
		status = http.StatusMultipleChoices
	}
	answer.JSON(w, status, map[string]any{"versions": []map[string]any{{
		"id": "v3.0", "status": "CURRENT", "version": maxVersion, "min_version": "3.0", "updated": "2022-08-31T00:00:00Z",
		"links": []map[string]any{{"rel": "self", "href": front.Base(r) + "/v3/"}}, "media-types": []any{},
	}}})
	return nil
}
