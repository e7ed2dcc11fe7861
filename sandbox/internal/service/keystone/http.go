package keystone

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Mount is the service as the front mounts it.
func (s *Service) Mount() front.Service {
	return front.Service{Prefix: "/identity", Handler: varying(s.routes()), Error: front.JSONError, Public: public, Unauthorized: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "X-Auth-Token")
		front.JSONError(w, r, http.StatusUnauthorized, "The request you have made requires authentication.")
	}}
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
		mux.Handle(pattern, front.Handler(refuse, h))
	}
	handle("GET /{$}", versions)
	handle("GET /v3", version)
	handle("GET /v3/{$}", version)
	handle("POST /v3/auth/tokens", s.createToken)
	handle("GET /v3/auth/tokens", s.validateToken)
	handle("DELETE /v3/auth/tokens", s.revokeToken)
	handle("GET /v3/auth/catalog", s.authCatalog)
	handle("GET /v3/auth/projects", s.authProjects)
	handle("GET /v3/projects", s.listProjects)
	handle("POST /v3/projects", s.createProject)
	handle("GET /v3/projects/{id}", s.showProject)
	handle("PATCH /v3/projects/{id}", s.updateProject)
	handle("DELETE /v3/projects/{id}", s.deleteProject)
	handle("GET /v3/users", s.listUsers)
	handle("POST /v3/users", s.createUser)
	handle("GET /v3/users/{id}", s.showUser)
	handle("PATCH /v3/users/{id}", s.updateUser)
	handle("DELETE /v3/users/{id}", s.deleteUser)
	handle("GET /v3/users/{id}/projects", s.userProjects)
	handle("GET /v3/domains", s.listDomains)
	handle("GET /v3/domains/{id}", s.showDomain)
	handle("GET /v3/roles", s.listRoles)
	handle("GET /v3/roles/{id}", s.showRole)
	handle("GET /v3/role_assignments", s.listAssignments)
	handle("GET /v3/projects/{project}/users/{user}/roles", s.listGrants)
	handle("PUT /v3/projects/{project}/users/{user}/roles/{role}", s.putGrant)
	handle("GET /v3/projects/{project}/users/{user}/roles/{role}", s.checkGrant)
	handle("DELETE /v3/projects/{project}/users/{user}/roles/{role}", s.deleteGrant)
	handle("GET /v3/users/{user}/application_credentials", s.listAppCreds)
	handle("POST /v3/users/{user}/application_credentials", s.createAppCred)
	handle("GET /v3/users/{user}/application_credentials/{id}", s.showAppCred)
	handle("DELETE /v3/users/{user}/application_credentials/{id}", s.deleteAppCred)
	handle("GET /v3/services", s.listServices)
	handle("GET /v3/endpoints", s.listEndpoints)
	handle("GET /v3/regions", s.listRegions)
	handle("/", func(http.ResponseWriter, *http.Request) error {
		return front.Fail(http.StatusNotFound, "The resource could not be found.")
	})
	return mux
}

// refuse answers with an error, which for 401 says where to log in.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", front.Base(r)))
	}
	front.JSONError(w, r, status, message)
}

func versionDoc(r *http.Request) map[string]any {
	return map[string]any{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []map[string]any{{"rel": "self", "href": front.Base(r) + "/v3/"}},
		"media-types": []map[string]any{{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

func versions(w http.ResponseWriter, r *http.Request) error {
	front.JSON(w, http.StatusMultipleChoices, map[string]any{"versions": map[string]any{"values": []any{versionDoc(r)}}})
	return nil
}

func version(w http.ResponseWriter, r *http.Request) error {
	front.JSON(w, http.StatusOK, map[string]any{"version": versionDoc(r)})
	return nil
}

// collection answers with a list as Keystone wraps it.
func collection(w http.ResponseWriter, r *http.Request, name string, items []map[string]any) {
	if items == nil {
		items = []map[string]any{}
	}
	front.JSON(w, http.StatusOK, map[string]any{name: items, "links": map[string]any{
		"self": front.Base(r) + r.URL.RequestURI(), "next": nil, "previous": nil,
	}})
}

// admin refuses an action to all but admins.
func admin(r *http.Request, action string) error {
	if !front.CallerOf(r).Is(RoleAdmin) {
		return notAllowed(action)
	}
	return nil
}

// self links to an object.
func self(r *http.Request, kind, id string) map[string]any {
	return map[string]any{"self": front.Base(r) + "/v3/" + kind + "/" + id}
}

// wanted tells whether an object passes a query's filters; only the given keys are filters.
func wanted(q url.Values, fields map[string]string) bool {
	for k, v := range fields {
		if q.Has(k) && q.Get(k) != v {
			return false
		}
	}
	return true
}

func (s *Service) authCatalog(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	if c.ProjectID == "" {
		return front.Fail(http.StatusForbidden, "You are not authorized to perform the requested action.")
	}
	front.JSON(w, http.StatusOK, map[string]any{"catalog": s.catalogFor(c.ProjectID, r), "links": map[string]any{"self": front.Base(r) + r.URL.Path}})
	return nil
}

func (s *Service) listServices(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_services"); err != nil {
		return err
	}
	var out []map[string]any
	for _, e := range s.catalog {
		if wanted(r.URL.Query(), map[string]string{"type": e.Type, "name": e.Name}) {
			out = append(out, map[string]any{"id": e.Type, "type": e.Type, "name": e.Name, "enabled": true})
		}
	}
	collection(w, r, "services", out)
	return nil
}

func (s *Service) listEndpoints(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_endpoints"); err != nil {
		return err
	}
	var out []map[string]any
	for _, e := range s.catalog {
		for _, face := range []string{"public", "internal", "admin"} {
			out = append(out, map[string]any{
				"id": e.Type + "-" + face, "service_id": e.Type, "interface": face, "region": Region, "region_id": Region,
				"enabled": true, "url": "http://" + r.Host + strings.ReplaceAll(e.Path, "%s", "%(project_id)s"),
			})
		}
	}
	collection(w, r, "endpoints", out)
	return nil
}

func (s *Service) listRegions(w http.ResponseWriter, r *http.Request) error {
	collection(w, r, "regions", []map[string]any{{"id": Region, "description": "", "parent_region_id": nil}})
	return nil
}
