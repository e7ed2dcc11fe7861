package keystone

import (
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{
		Prefix: "/identity", Handler: varying(s.routes()), Error: answer.Keystone, Public: public,
		Unauthorized: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", "X-Auth-Token")
			answer.Keystone(w, r, http.StatusUnauthorized, "The request you have made requires authentication.")
		},
	}
}

// varying adds the header that all answers have.
func varying(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "X-Auth-Token")
		next.ServeHTTP(w, r)
	})
}

func public(r *http.Request) bool {
	p := strings.Trim(r.URL.Path, "/")
	return p == "" || p == "v3" || (p == "v3/auth/tokens" && r.Method == http.MethodPost)
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, answer.Handler(refuse, h))
	}
	handle("GET /{$}", versions)
	handle("GET /v3", version)
	handle("GET /v3/{$}", version)
	handle("POST /v3/auth/tokens", s.createToken)
	handle("GET /v3/auth/tokens", s.validateToken)
	handle("DELETE /v3/auth/tokens", s.revokeToken)
	handle("GET /v3/users/{user}/application_credentials", s.listAppCreds)
	handle("POST /v3/users/{user}/application_credentials", s.createAppCred)
	handle("GET /v3/users/{user}/application_credentials/{id}", s.showAppCred)
	handle("DELETE /v3/users/{user}/application_credentials/{id}", s.deleteAppCred)
	style := s.style()
	for _, t := range s.tables() {
		style.Mount(mux, &t.Kind)
	}
	serve := func(pattern string, h resource.Handler) { mux.Handle(pattern, s.serve(h)) }
	s.mountGrants(serve)
	for pattern, h := range s.extensions() {
		serve(pattern, h)
	}
	serve("GET /v3/auth/catalog", s.authCatalog)
	serve("GET /v3/auth/projects", s.authProjects)
	serve("GET /v3/auth/domains", s.authDomains)
	serve("GET /v3/users/{id}/projects", s.userProjects)
	serve("GET /v3/users/{id}/groups", s.userGroups)
	serve("POST /v3/users/{id}/password", s.changePassword)
	serve("GET /v3/groups/{group}/users", s.groupUsers)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		serve(method+" /v3/groups/{group}/users/{user}", s.member)
		serve(method+" /v3/roles/{prior}/implies/{implied}", s.implied)
	}
	serve("GET /v3/limits/model", limitModel)
	for _, method := range []string{"PUT", "DELETE", "GET"} {
		serve(method+" /v3/OS-EP-FILTER/projects/{project}/endpoints/{endpoint}", s.projectEndpoint)
	}
	serve("GET /v3/OS-EP-FILTER/projects/{project}/endpoints", s.projectEndpoints)
	serve("GET /v3/role_inferences", s.inferences)
	serve("GET /v3/role_assignments", s.listAssignments)
	handle("/", func(http.ResponseWriter, *http.Request) error {
		return answer.Fail(http.StatusNotFound, "The resource could not be found.")
	})
	return mux
}

func versionDoc(r *http.Request) map[string]any {
	return map[string]any{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []map[string]any{{"rel": "self", "href": front.Base(r) + "/v3/"}},
		"media-types": []map[string]any{{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

func versions(w http.ResponseWriter, r *http.Request) error {
	answer.JSON(w, http.StatusMultipleChoices, map[string]any{"versions": map[string]any{"values": []any{versionDoc(r)}}})
	return nil
}

func version(w http.ResponseWriter, r *http.Request) error {
	answer.JSON(w, http.StatusOK, map[string]any{"version": versionDoc(r)})
	return nil
}
