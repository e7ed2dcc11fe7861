package keystone

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// The roles. Each implies those after it.
const (
	RoleAdmin  = "admin"
	RoleMember = "member"
	RoleReader = "reader"
)

var roleOrder = []string{RoleAdmin, RoleMember, RoleReader}

// inference is a role that implies another, by their ids.
type inference struct{ prior, implied string }

func (s *Service) checkRole(_ *http.Request, _ front.Caller, row *resource.Row) error {
	if named(s.roles, row.Text("name"), row.Text("domain_id")) != nil {
		return duplicate("role", row.Text("name"))
	}
	return checkName(row)
}

func immutable(row *resource.Row) bool {
	options, _ := row.Values["options"].(map[string]any)
	return options["immutable"] == true
}

func errImmutable(row *resource.Row) error {
	return answer.Fail(http.StatusForbidden, "Cannot modify or delete role %s: it is immutable.", row.ID())
}

func changeRole(_ *http.Request, _ front.Caller, row *resource.Row, values map[string]any) error {
	if _, options := values["options"]; immutable(row) && !options {
		return errImmutable(row)
	}
	return nil
}

func (s *Service) endRole(row *resource.Row) (bool, error) {
	if immutable(row) {
		return false, errImmutable(row)
	}
	s.forget(row.ID())
	return false, nil
}

// implied serves the calls about one role that implies another.
func (s *Service) implied(r *http.Request, c front.Caller) (int, any, error) {
	i := inference{r.PathValue("prior"), r.PathValue("implied")}
	prior, implied := s.roles.Row(i.prior), s.roles.Row(i.implied)
	switch {
	case !c.Is(RoleAdmin):
		return 0, nil, notAllowed("create_implied_role")
	case prior == nil:
		return 0, nil, notFound("role", i.prior)
	case implied == nil:
		return 0, nil, notFound("role", i.implied)
	case r.Method != http.MethodPut && !s.implies[i]:
		return 0, nil, answer.Fail(http.StatusNotFound, "%s does not imply %s", i.prior, i.implied)
	case r.Method == http.MethodDelete:
		delete(s.implies, i)
		return http.StatusNoContent, nil, nil
	}
	status := http.StatusOK
	if r.Method == http.MethodPut {
		status, s.implies[i] = http.StatusCreated, true
	}
	return status, map[string]any{"role_inference": map[string]any{
		"prior_role": roleRef(r, prior), "implies": roleRef(r, implied),
	}, "links": links(r)}, nil
}

func roleRef(r *http.Request, row *resource.Row) map[string]any {
	return map[string]any{"id": row.ID(), "name": row.Text("name"), "links": self(r, "roles", row.ID())}
}

// inferences serves all roles that imply others.
func (s *Service) inferences(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is(RoleAdmin) {
		return 0, nil, notAllowed("list_role_inference_rules")
	}
	rules := []map[string]any{}
	for _, prior := range s.roles.Rows() {
		var implied []map[string]any
		for _, row := range s.roles.Rows() {
			if s.implies[inference{prior.ID(), row.ID()}] {
				implied = append(implied, roleRef(r, row))
			}
		}
		if len(implied) > 0 {
			rules = append(rules, map[string]any{"prior_role": roleRef(r, prior), "implies": implied})
		}
	}
	return http.StatusOK, map[string]any{"role_inferences": rules, "links": links(r)}, nil
}

// rolesOf returns the names of a user's roles in a project, in a domain or in the system, implied ones included.
func (s *Service) rolesOf(user, target string) []string {
	actors := append(s.groupsOf(user), user)
	above := s.above(target)
	ids := map[string]bool{}
	for g := range s.grants {
		here := g.target == target && !g.inherited || g.inherited && slices.Contains(above, g.target)
		if here && slices.Contains(actors, g.actor) {
			ids[g.role] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for i := range s.implies {
			if ids[i.prior] && !ids[i.implied] {
				ids[i.implied], grown = true, true
			}
		}
	}
	var names []string
	for id := range ids {
		if row := s.roles.Row(id); row != nil {
			names = append(names, row.Text("name"))
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a, b)) })
	return names
}

// rank orders the roles that every cloud has before others.
func rank(role string) int {
	if n := slices.Index(roleOrder, role); n >= 0 {
		return n
	}
	return len(roleOrder)
}

// isAdmin reports whether a user is admin in any project, which is what the sandbox takes for a right to system scope.
func (s *Service) isAdmin(user string) bool {
	for g := range s.grants {
		if g.actor == user && g.role == s.roleByName(RoleAdmin).ID() {
			return true
		}
	}
	return false
}

func (s *Service) roleByName(name string) *resource.Row { return named(s.roles, name, "") }
