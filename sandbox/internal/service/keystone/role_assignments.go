package keystone

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

func (s *Service) listAssignments(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is(RoleAdmin) {
		return 0, nil, notAllowed("list_role_assignments")
	}
	q := r.URL.Query()
	all := []map[string]any{}
	for g := range s.grants {
		if s.asked(g, q) {
			all = append(all, s.assignment(g, q.Has("include_names") && q.Get("include_names") != "false"))
		}
	}
	return http.StatusOK, map[string]any{"role_assignments": all, "links": links(r)}, nil
}

// asked reports whether a list's query is about a grant.
func (s *Service) asked(g grant, q url.Values) bool {
	groups := []string{}
	if q.Has("effective") && q.Get("user.id") != "" {
		groups = s.groupsOf(q.Get("user.id"))
	}
	for _, key := range []string{"user.id", "group.id"} {
		if id := q.Get(key); id != "" && g.actor != id && !slices.Contains(groups, g.actor) {
			return false
		}
	}
	within := func(id string) bool {
		return g.target == id || q.Get("include_subtree") == "true" && slices.Contains(s.above(g.target), id)
	}
	switch {
	case q.Get("role.id") != "" && q.Get("role.id") != g.role,
		q.Get("scope.project.id") != "" && !within(q.Get("scope.project.id")),
		q.Get("scope.domain.id") != "" && g.target != q.Get("scope.domain.id"),
		q.Get("scope.system") != "" && g.target != system,
		q.Get("scope.OS-INHERIT:inherited_to") != "" && !g.inherited:
		return false
	}
	return true
}

func (s *Service) assignment(g grant, names bool) map[string]any {
	ref := func(row *resource.Row) map[string]any {
		body := map[string]any{"id": row.ID()}
		if names {
			body["name"] = row.Text("name")
			if domain := row.Text("domain_id"); domain != "" {
				body["domain"] = s.domainRef(domain)
			}
		}
		return body
	}
	body := map[string]any{"role": ref(s.roles.Row(g.role)), "links": map[string]any{}}
	if u := s.users.Row(g.actor); u != nil {
		body["user"] = ref(u)
	} else if group := s.groups.Row(g.actor); group != nil {
		body["group"] = ref(group)
	}
	scope := map[string]any{}
	switch {
	case g.target == system:
		scope["system"] = map[string]any{"all": true}
	case s.projects.Row(g.target) != nil:
		scope["project"] = ref(s.projects.Row(g.target))
	default:
		scope["domain"] = ref(s.domains.Row(g.target))
	}
	if g.inherited {
		scope["OS-INHERIT:inherited_to"] = "projects"
	}
	body["scope"] = scope
	return body
}
