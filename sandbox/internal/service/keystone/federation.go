package keystone

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

const federation = "OS-FEDERATION/"

// below has a table's objects below another path than that of its plural, and made under a name of their own.
func below(t *resource.Table, path string) *resource.Table {
	t.Path, t.Named, t.Extra = "/v3/"+path, true, false
	t.Check = func(_ *http.Request, _ front.Caller, row *resource.Row) error {
		if t.Row(row.ID()) != nil {
			return answer.Fail(http.StatusConflict, "Conflict occurred attempting to store %s - Duplicate Entry.", t.Name)
		}
		return nil
	}
	t.Shape = func(r *http.Request, row *resource.Row, body map[string]any) { body["links"] = self(r, path, row.ID()) }
	return t
}

// declareFederation makes the tables of what other sites' users sign in with. They are kept, and nobody signs in so.
func (s *Service) declareFederation() {
	whole := resource.Field{Name: "authorization_ttl", Type: resource.Any, Create: true, Update: true}
	s.providers = below(s.table("identity_provider", "identity_providers", flag("enabled", false), nullText("description"),
		text("domain_id"), resource.Field{Name: "remote_ids", Type: resource.Texts, Create: true, Update: true}, whole),
		federation+"identity_providers")
	taken := s.providers.Check
	s.providers.Check = func(r *http.Request, c front.Caller, row *resource.Row) error {
		if err := taken(r, c, row); err != nil {
			return err
		}
		if row.Text("domain_id") == "" { // each has a domain for the users that come from there
			id := newID()
			about := "Auto generated federated domain for Identity Provider: " + row.ID()
			s.domains.Add(id, "", map[string]any{"name": id, "description": about})
			row.Values["domain_id"] = id
		}
		return nil
	}
	s.providers.Shape = func(r *http.Request, row *resource.Row, body map[string]any) {
		links := self(r, federation+"identity_providers", row.ID())
		links["protocols"] = links["self"].(string) + "/protocols"
		body["links"] = links
	}
	s.mappings = below(s.table("mapping", "mappings", resource.Field{Name: "rules", Type: resource.Any, Required: true, Update: true}),
		federation+"mappings")
	s.protocols = below(s.table("protocol", "protocols", required("mapping_id"), resource.Field{Name: "idp_id", Hidden: true},
		nullText("remote_id_attribute")), federation+"identity_providers/{idp_id}/protocols")
	s.protocols.Shape = func(r *http.Request, row *resource.Row, body map[string]any) {
		idp := self(r, federation+"identity_providers", r.PathValue("idp_id"))
		if body["remote_id_attribute"] == nil {
			delete(body, "remote_id_attribute")
		}
		body["links"] = map[string]any{"self": idp["self"].(string) + "/protocols/" + row.ID(), "identity_provider": idp["self"]}
	}
	prefix := text("relay_state_prefix")
	prefix.Default = "ss:mem:"
	s.partners = below(s.table("service_provider", "service_providers", required("auth_url"), required("sp_url"), flag("enabled", false),
		nullText("description"), prefix), federation+"service_providers")
	s.consumers = s.table("consumer", "consumers", nullText("description"), resource.Field{Name: "secret"})
	s.consumers.Path = "/v3/OS-OAUTH1/consumers"
	s.consumers.Made = func(row *resource.Row) { row.Values["secret"] = newID() }
	s.consumers.Shape = func(r *http.Request, row *resource.Row, body map[string]any) {
		body["links"] = self(r, "OS-OAUTH1/consumers", row.ID())
		if r.Method != http.MethodPost { // it is told once
			delete(body, "secret")
		}
	}
	s.endpointGroups = s.table("endpoint_group", "endpoint_groups", required("name"), nullText("description"),
		resource.Field{Name: "filters", Type: resource.Any, Required: true, Update: true})
	s.endpointGroups.Path, s.endpointGroups.Extra = "/v3/OS-EP-FILTER/endpoint_groups", false
	s.endpointGroups.Shape = func(r *http.Request, row *resource.Row, body map[string]any) {
		body["links"] = self(r, "OS-EP-FILTER/endpoint_groups", row.ID())
	}
}

// extensions are the calls of Keystone's extensions that aren't about one table.
func (s *Service) extensions() map[string]resource.Handler {
	calls := map[string]resource.Handler{
		"GET /v3/OS-FEDERATION/projects":                          s.authProjects,
		"GET /v3/OS-FEDERATION/domains":                           s.authDomains,
		"GET /v3/OS-EP-FILTER/endpoints/{endpoint}/projects":      s.endpointProjects,
		"GET /v3/OS-TRUST/trusts/{id}/roles":                      s.ofTrust(s.trustRoles),
		"GET /v3/OS-TRUST/trusts/{id}/roles/{role}":               s.ofTrust(s.trustRole),
		"POST /v3/OS-OAUTH1/request_token":                        unsigned,
		"POST /v3/s3tokens":                                       s.s3Token,
		"GET /v3/OS-EP-FILTER/endpoint_groups/{id}/projects":      s.groupProjects,
		"GET /v3/OS-EP-FILTER/projects/{project}/endpoint_groups": s.projectGroups,
	}
	for _, method := range []string{"PUT", "DELETE", "GET"} {
		calls[method+" /v3/OS-EP-FILTER/endpoint_groups/{id}/projects/{project}"] = s.projectGroup
	}
	return calls
}

// unsigned refuses a signature of OAuth 1, whoever's it is.
func unsigned(*http.Request, front.Caller) (int, any, error) { return 0, nil, errAuth }

// endpointProjects lists the projects that have an endpoint besides the catalog's.
func (s *Service) endpointProjects(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is(RoleAdmin) {
		return 0, nil, notAllowed("list_projects_for_endpoint")
	}
	return http.StatusOK, listed(r, s.projects, func(row *resource.Row) bool {
		return s.offerings[offering{r.PathValue("endpoint"), row.ID()}]
	}), nil
}

// projectGroup serves the calls about a group of endpoints that a project has.
func (s *Service) projectGroup(r *http.Request, c front.Caller) (int, any, error) {
	at := offering{r.PathValue("id"), r.PathValue("project")}
	group := s.endpointGroups.Row(at.endpoint)
	switch {
	case !c.Is(RoleAdmin):
		return 0, nil, notAllowed("add_endpoint_group_to_project")
	case group == nil, r.Method != http.MethodPut && !s.offerings[at]:
		return 0, nil, notFound("endpoint group", at.endpoint)
	case s.projects.Row(at.project) == nil:
		return 0, nil, notFound("project", at.project)
	case r.Method == http.MethodPut:
		s.offerings[at] = true
	case r.Method == http.MethodDelete:
		delete(s.offerings, at)
	}
	if r.Method == http.MethodGet {
		return http.StatusOK, map[string]any{"endpoint_group": group.Body(r)}, nil
	}
	return http.StatusNoContent, nil, nil
}

func (s *Service) groupProjects(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is(RoleAdmin) {
		return 0, nil, notAllowed("list_projects_associated_with_endpoint_group")
	}
	return http.StatusOK, listed(r, s.projects, func(row *resource.Row) bool {
		return s.offerings[offering{r.PathValue("id"), row.ID()}]
	}), nil
}

func (s *Service) projectGroups(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is(RoleAdmin) {
		return 0, nil, notAllowed("list_endpoint_groups_for_project")
	}
	return http.StatusOK, listed(r, s.endpointGroups, func(row *resource.Row) bool {
		return s.offerings[offering{row.ID(), r.PathValue("project")}]
	}), nil
}
