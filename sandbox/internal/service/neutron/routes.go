package neutron

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{Prefix: "/network", Handler: s.routes(), Error: refuse}
}

// handler serves one call; it runs with the lock held for writing.
type handler func(r *http.Request, c front.Caller) (status int, body any, err error)

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h handler) { mux.Handle(pattern, s.serve(h)) }
	mux.Handle("GET /{$}", http.HandlerFunc(versions))
	mux.Handle("GET /v2.0/{$}", http.HandlerFunc(resources))
	mux.Handle("GET /v2.0", http.HandlerFunc(resources))
	mux.Handle("GET /v2.0/extensions", http.HandlerFunc(extensions))
	for plural, k := range kinds {
		base := "/v2.0/" + plural
		handle("GET "+base, func(r *http.Request, c front.Caller) (int, any, error) {
			return s.collection(r, plural, k.list(s, c))
		})
		handle("GET "+base+"/{id}", func(r *http.Request, c front.Caller) (int, any, error) {
			body, err := s.find(k, c, r.PathValue("id"))
			return http.StatusOK, map[string]any{k.name: body}, err
		})
		handle("POST "+base, s.write(k, "create", k.create))
		handle("PUT "+base+"/{id}", s.write(k, "update", k.update))
		handle("DELETE "+base+"/{id}", s.write(k, "delete", func(s *Service, r *http.Request, _ front.Caller) (string, error) {
			return "", k.remove(s, r.PathValue("id"))
		}))
		handle("PUT "+base+"/{id}/tags", s.tagging(k, setTags))
		handle("PUT "+base+"/{id}/tags/{tag}", s.tagging(k, addTag))
		handle("DELETE "+base+"/{id}/tags", s.tagging(k, clearTags))
		handle("DELETE "+base+"/{id}/tags/{tag}", s.tagging(k, removeTag))
	}
	handle("PUT /v2.0/routers/{id}/add_router_interface", s.attach)
	handle("PUT /v2.0/routers/{id}/remove_router_interface", s.detach)
	handle("GET /v2.0/quotas/{project}", s.showQuotas)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusNotFound, "The resource could not be found.")
	})
	return mux
}

// serve answers with what a handler returns, and tells afterwards which floating IPs have moved.
func (s *Service) serve(h handler) http.Handler {
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
