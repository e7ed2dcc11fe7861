package nova

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

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
			answer.Keystone(w, r, http.StatusUnauthorized, "The request you have made requires authentication.")
		},
	}
}

// plain gives answers without a body the type that Nova's have.
type plain struct{ http.ResponseWriter }

func (a plain) WriteHeader(status int) {
	if a.Header().Get("Content-Type") == "" {
		a.Header().Set("Content-Type", "application/json")
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a plain) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, answer.Handler(refuse, h))
	}
	handle("GET /{$}", versions)
	handle("GET /v2.1", version)
	handle("GET /v2.1/{$}", version)
	handle("GET /v2.1/flavors", s.listFlavors)
	handle("GET /v2.1/flavors/detail", s.listFlavorDetails)
	handle("GET /v2.1/flavors/{id}", s.showFlavor)
	handle("GET /v2.1/flavors/{id}/os-extra_specs", s.flavorSpecs)
	for pattern, h := range map[string]resource.Handler{
		"GET /v2.1/extensions": listExtensions, "GET /v2.1/extensions/{alias}": showExtension,
		"POST /v2.1/flavors":                             s.createFlavor,
		"PUT /v2.1/flavors/{id}":                         s.ofFlavor("os-flavor-manage:update", updateFlavor),
		"DELETE /v2.1/flavors/{id}":                      s.ofFlavor("os-flavor-manage:delete", s.deleteFlavor),
		"GET /v2.1/flavors/{id}/os-flavor-access":        s.ofFlavor("os-flavor-access", flavorAccess),
		"POST /v2.1/flavors/{id}/action":                 s.ofFlavor("os-flavor-access:add_tenant_access", changeFlavorAccess),
		"POST /v2.1/flavors/{id}/os-extra_specs":         s.ofFlavor("os-flavor-extra-specs:create", setSpecs),
		"PUT /v2.1/flavors/{id}/os-extra_specs/{key}":    s.ofFlavor("os-flavor-extra-specs:update", setSpecs),
		"GET /v2.1/flavors/{id}/os-extra_specs/{key}":    s.ofFlavor("", oneSpec),
		"DELETE /v2.1/flavors/{id}/os-extra_specs/{key}": s.ofFlavor("os-flavor-extra-specs:delete", oneSpec),
		"GET /v2.1/os-services":                          s.processes,
		"GET /v2.1/os-migrations":                        s.listMigrations,
		"GET /v2.1/servers/{id}/migrations":              s.liveMigrations,
		"GET /v2.1/servers/{id}/migrations/{migration}":  s.liveMigrations,
		"GET /v2.1/os-simple-tenant-usage":               s.listUsages,
		"GET /v2.1/os-simple-tenant-usage/{project}":     s.showUsage,
		"GET /v2.1/os-quota-class-sets/{class}":          s.quotaClass,
		"PUT /v2.1/os-quota-class-sets/{class}":          s.quotaClass,
		"POST /v2.1/os-aggregates/{id}/images":           s.cacheImages,
		"DELETE /v2.1/os-services/{id}":                  s.removeProcess,
		"POST /v2.1/servers/{id}/remote-consoles":        noConsole,
		"GET /v2.1/os-hosts":                             s.listHosts,
		"GET /v2.1/os-hosts/{host}":                      s.showHost,
		"/v2.1/os-agents":                                agents,
		"/v2.1/os-agents/{id}":                           agents,
		"POST /v2.1/os-aggregates/{id}/action":           s.changeAggregate,
		"PUT /v2.1/os-quota-sets/{project}":              s.setQuotas,
		"DELETE /v2.1/os-quota-sets/{project}":           s.setQuotas,
	} {
		mux.Handle(pattern, s.serve(h))
	}
	for pattern, h := range s.hypervisorCalls() {
		mux.Handle(pattern, s.serve(h))
	}
	s.style().Mount(mux, &s.aggregates.Kind)
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
	for pattern, status := range map[string]int{
		"GET os-security-groups": http.StatusOK, "POST os-security-groups": http.StatusOK,
		"GET os-security-groups/{id}": http.StatusOK, "PUT os-security-groups/{id}": http.StatusOK,
		"DELETE os-security-groups/{id}": http.StatusAccepted,
		"POST os-security-group-rules":   http.StatusOK, "DELETE os-security-group-rules/{id}": http.StatusAccepted,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		resource, _, _ := strings.Cut(strings.TrimPrefix(path, "os-"), "/")
		handle(method+" /v2.1/"+path, s.passGroups(method, resource, status))
	}
	handle("GET /v2.1/servers/{id}/os-instance-actions", s.reading(s.listActions))
	handle("GET /v2.1/servers/{id}/os-instance-actions/{request}", s.reading(s.showAction))
	handle("GET /v2.1/servers/{id}/diagnostics", s.reading(s.diagnostics))
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
		answer.WebOb(w, r, http.StatusNotFound, "", "")
	})
	return mux
}

func versionBody(r *http.Request) map[string]any {
	return map[string]any{
		"id": "v2.1", "status": "CURRENT", "version": fmt.Sprintf("2.%d", maxMinor), "min_version": "2.1",
		"updated":     "2013-07-23T11:33:21Z",
		"links":       []map[string]string{{"rel": "self", "href": front.Base(r) + "/v2.1/"}},
		"media-types": []map[string]string{{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}},
	}
}

func versions(w http.ResponseWriter, r *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{"versions": []any{versionBody(r)}})
	return nil
}

func version(w http.ResponseWriter, r *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{"version": versionBody(r)})
	return nil
}
