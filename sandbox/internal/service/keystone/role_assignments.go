package keystone

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func (s *Service) listAssignments(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_role_assignments"); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []map[string]any
	for g := range s.grants {
		o := s.roleByName(g.role)
		if o == nil || !wanted(r.URL.Query(), map[string]string{"user.id": g.user, "scope.project.id": g.target, "role.id": o.id}) {
			continue
		}
		out = append(out, map[string]any{
			"role": map[string]any{"id": o.id, "name": o.name}, "user": map[string]any{"id": g.user},
			"scope": map[string]any{"project": map[string]any{"id": g.target}},
		})
	}
	collection(w, r, "role_assignments", out)
	return nil
}

// granted finds what the path of a grant names.
func (s *Service) granted(r *http.Request, action string) (grant, error) {
	if err := admin(r, action); err != nil {
		return grant{}, err
	}
	g := grant{user: r.PathValue("user"), target: r.PathValue("project")}
	if s.projects[g.target] == nil {
		return g, projectNotFound(g.target)
	}
	if s.users[g.user] == nil {
		return g, userNotFound(g.user)
	}
	if id := r.PathValue("role"); id != "" {
		o := s.roles[id]
		if o == nil {
			return g, answer.Fail(http.StatusNotFound, "Could not find role: %s.", id)
		}
		g.role = o.name
	}
	return g, nil
}

func (s *Service) listGrants(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, err := s.granted(r, "list_grants")
	if err != nil {
		return err
	}
	var out []map[string]any
	for _, o := range sortedBy(s.roles, func(o *role) string { return o.name }) {
		if s.grants[grant{g.user, g.target, o.name}] {
			out = append(out, roleBody(r, o))
		}
	}
	collection(w, r, "roles", out)
	return nil
}

func (s *Service) putGrant(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.granted(r, "create_grant")
	if err != nil {
		return err
	}
	s.grants[g] = true
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) checkGrant(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, err := s.granted(r, "check_grant")
	if err != nil {
		return err
	}
	if !s.grants[g] {
		return answer.Fail(http.StatusNotFound, "Could not find role assignment with role: %s, user or group: %s, project, domain, or "+
			"system: %s.", r.PathValue("role"), g.user, g.target)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) deleteGrant(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.granted(r, "revoke_grant")
	if err != nil {
		return err
	}
	if !s.grants[g] {
		return answer.Fail(http.StatusNotFound, "Could not find role assignment with role: %s, user or group: %s, project, domain, or "+
			"system: %s.", r.PathValue("role"), g.user, g.target)
	}
	delete(s.grants, g)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
