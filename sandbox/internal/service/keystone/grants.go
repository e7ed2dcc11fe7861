package keystone

import (
	"maps"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// system is the target of roles in the whole cloud.
const system = "system"

// grant is one role of a user or group in a project, in a domain or in the system. An inherited one counts in the
// projects below its target only.
type grant struct {
	actor, target, role string
	inherited           bool
}

// Grant gives a user a role in a project; the user's first project becomes its default one.
func (s *Service) Grant(userID, projectID, roleName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants[grant{actor: userID, target: projectID, role: s.roleByName(roleName).ID()}] = true
	if u := s.users.Row(userID); u != nil && u.Text("default_project_id") == "" {
		u.Set("default_project_id", projectID)
	}
}

// forget removes what refers to something that is gone.
func (s *Service) forget(id string) {
	maps.DeleteFunc(s.grants, func(g grant, _ bool) bool { return g.actor == id || g.target == id || g.role == id })
	maps.DeleteFunc(s.members, func(m membership, _ bool) bool { return m.group == id || m.user == id })
	maps.DeleteFunc(s.offerings, func(o offering, _ bool) bool { return o.project == id || o.endpoint == id })
	maps.DeleteFunc(s.implies, func(i inference, _ bool) bool { return i.prior == id || i.implied == id })
	maps.DeleteFunc(s.appCreds, func(_ string, c *AppCred) bool { return c.ProjectID == id || c.UserID == id })
}

// mountGrants serves the roles of users and groups in projects, domains and the system.
func (s *Service) mountGrants(handle func(string, resource.Handler)) {
	for _, actors := range []string{"users", "groups"} {
		for _, at := range []string{"projects/{project}/", "domains/{domain}/", "system/"} {
			handle("GET /v3/"+at+actors+"/{actor}/roles", s.listGrants)
			handle("GET /v3/OS-INHERIT/"+at+actors+"/{actor}/roles/inherited_to_projects", s.listGrants)
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				handle(method+" /v3/"+at+actors+"/{actor}/roles/{role}", s.oneGrant)
				handle(method+" /v3/OS-INHERIT/"+at+actors+"/{actor}/roles/{role}/inherited_to_projects", s.oneGrant)
			}
		}
	}
}

// granted finds what the path of a grant names.
func (s *Service) granted(r *http.Request, c front.Caller, action string) (grant, error) {
	g := grant{actor: r.PathValue("actor"), target: system, role: r.PathValue("role")}
	g.inherited = strings.HasSuffix(r.URL.Path, "/inherited_to_projects")
	if !c.Is(RoleAdmin) {
		return g, notAllowed(action)
	}
	for kind, t := range map[string]*resource.Table{"project": s.projects, "domain": s.domains} {
		if id := r.PathValue(kind); id != "" {
			if g.target = id; t.Row(id) == nil {
				return g, notFound(kind, id)
			}
		}
	}
	switch {
	case strings.Contains(r.URL.Path, "/users/") && s.users.Row(g.actor) == nil:
		return g, notFound("user", g.actor)
	case strings.Contains(r.URL.Path, "/groups/") && s.groups.Row(g.actor) == nil:
		return g, notFound("group", g.actor)
	case g.role != "" && s.roles.Row(g.role) == nil:
		return g, notFound("role", g.role)
	}
	return g, nil
}

func (s *Service) listGrants(r *http.Request, c front.Caller) (int, any, error) {
	g, err := s.granted(r, c, "list_grants")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, listed(r, s.roles, func(row *resource.Row) bool {
		g.role = row.ID()
		return s.grants[g]
	}), nil
}

// oneGrant gives, checks or takes away a role.
func (s *Service) oneGrant(r *http.Request, c front.Caller) (int, any, error) {
	g, err := s.granted(r, c, map[string]string{"PUT": "create_grant", "DELETE": "revoke_grant"}[r.Method])
	if err != nil {
		return 0, nil, err
	}
	switch {
	case r.Method == http.MethodPut:
		s.grants[g] = true
	case !s.grants[g]:
		return 0, nil, answer.Fail(http.StatusNotFound, "Could not find role assignment with role: %s, user or group: %s, project, "+
			"domain, or system: %s.", g.role, g.actor, g.target)
	case r.Method == http.MethodDelete:
		delete(s.grants, g)
	}
	return http.StatusNoContent, nil, nil
}
