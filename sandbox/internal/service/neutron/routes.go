package neutron

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{Prefix: "/network", Handler: s.routes(), Error: refuse}
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h resource.Handler) { mux.Handle(pattern, s.serve(h)) }
	mux.Handle("GET /{$}", http.HandlerFunc(versions))
	mux.Handle("GET /v2.0/{$}", http.HandlerFunc(resources))
	mux.Handle("GET /v2.0", http.HandlerFunc(resources))
	mux.Handle("GET /v2.0/extensions", http.HandlerFunc(extensions))
	style := s.style()
	for plural, k := range kinds {
		style.Mount(mux, s.resource(plural, k))
	}
	for _, t := range s.tables() {
		style.Mount(mux, &t.Kind)
	}
	for _, verb := range []string{"add", "remove"} {
		handle("PUT /v2.0/subnetpools/{id}/"+verb+"_prefixes", s.listing(s.pools, "prefixes", verb == "add"))
		handle("PUT /v2.0/address-groups/{id}/"+verb+"_addresses", s.listing(s.groupsOfAddresses, "addresses", verb == "add"))
		handle("PUT /v2.0/routers/{id}/"+verb+"_extraroutes", s.extraRoutes(verb == "add"))
	}
	mux.Handle("GET /v2.0/extensions/{alias}", http.HandlerFunc(extension))
	for pattern, h := range agentless() {
		handle(pattern, h)
	}
	handle("GET /v2.0/network-ip-availabilities", s.availabilities)
	handle("GET /v2.0/network-ip-availabilities/{id}", s.availability)
	handle("PUT /v2.0/quotas/{project}", s.setQuotas)
	handle("DELETE /v2.0/quotas/{project}", s.setQuotas)
	handle("GET /v2.0/quotas/{project}/default", s.showQuotas)
	handle("GET /v2.0/quotas/{project}/details", s.quotaDetails)
	handle("GET /v2.0/quotas/{project}/details.json", s.quotaDetails)
	handle("PUT /v2.0/routers/{id}/add_router_interface", s.attach)
	handle("PUT /v2.0/routers/{id}/remove_router_interface", s.detach)
	handle("GET /v2.0/quotas/{project}", s.showQuotas)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusNotFound, "The resource could not be found.")
	})
	return mux
}

// serve holds the lock for writing, answers with what a handler returns, and tells afterwards which floating IPs have moved.
func (s *Service) serve(h resource.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		status, body, err := h(r, front.CallerOf(r))
		moved := s.takeMoved()
		s.mu.Unlock()
		for _, m := range moved {
			s.tell([]string{m.address}, m.server)
		}
		switch {
		case err != nil:
			fail(w, r, err)
		case body == nil:
			w.WriteHeader(status)
		default:
			answer.JSON(w, status, body)
		}
	})
}
