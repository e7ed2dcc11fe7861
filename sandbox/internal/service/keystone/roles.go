package keystone

import (
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func (s *Service) listRoles(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_roles"); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []map[string]any
	for _, o := range sortedBy(s.roles, func(o *role) string { return o.name }) {
		if wanted(r.URL.Query(), map[string]string{"name": o.name}) {
			out = append(out, roleBody(r, o))
		}
	}
	collection(w, r, "roles", out)
	return nil
}

func (s *Service) showRole(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.roles[r.PathValue("id")]
	if o == nil {
		return answer.Fail(http.StatusNotFound, "Could not find role: %s.", r.PathValue("id"))
	}
	if err := admin(r, "get_role"); err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{"role": roleBody(r, o)})
	return nil
}

func roleBody(r *http.Request, o *role) map[string]any {
	return map[string]any{
		"id": o.id, "name": o.name, "domain_id": nil, "description": nil, "options": map[string]any{"immutable": true},
		"links": self(r, "roles", o.id),
	}
}

// The roles. Each implies those after it.
const (
	RoleAdmin  = "admin"
	RoleMember = "member"
	RoleReader = "reader"
)

var roleOrder = []string{RoleAdmin, RoleMember, RoleReader}

type role struct{ id, name string }

// grant is one role of a user in a project; a subject's id takes the project's place for roles in a domain.
type grant struct{ user, target, role string }

// Grant gives a user a role in a project; the user's first project becomes its default one.
func (s *Service) Grant(userID, projectID, roleName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants[grant{userID, projectID, roleName}] = true
	if u := s.users[userID]; u != nil && u.DefaultProjectID == "" {
		u.DefaultProjectID = projectID
	}
}

// rolesOf returns the names of a user's roles in a project or domain, implied ones included.
func (s *Service) rolesOf(user, target string) []string {
	first := len(roleOrder)
	var others []string
	for g := range s.grants {
		if g.user != user || g.target != target {
			continue
		}
		if k := slices.Index(roleOrder, g.role); k >= 0 {
			first = min(first, k)
		} else {
			others = append(others, g.role)
		}
	}
	slices.Sort(others)
	return append(slices.Clone(roleOrder[first:]), others...)
}

// isAdmin reports whether a user is admin in any project, which is what the sandbox takes for a right to system scope.
func (s *Service) isAdmin(user string) bool {
	for g := range s.grants {
		if g.user == user && g.role == RoleAdmin {
			return true
		}
	}
	return false
}

func (s *Service) roleByName(name string) *role {
	for _, r := range s.roles {
		if r.name == name {
			return r
		}
	}
	return nil
}
