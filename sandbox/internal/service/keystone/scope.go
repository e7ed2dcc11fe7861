package keystone

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// scope is what a token is scoped to; at most one field is set.
type scope struct {
	project, domain string
	system          bool
}

// scopeToken sets what a token is scoped to: as asked, else the user's default project.
func (s *Service) scopeToken(t *token, asked any) error {
	if t.appCred != nil {
		if asked != nil && t.methods[0] == "application_credential" {
			return answer.Fail(http.StatusUnauthorized, "Application credentials cannot request a scope.")
		}
		t.scope.project = t.appCred.ProjectID
		return s.checkScope(t)
	}
	switch want := asked.(type) {
	case nil:
		if t.methods[0] == "token" {
			return nil
		}
		t.scope.project = s.users.Row(t.user).Text("default_project_id")
		if t.scope.project != "" && s.checkScope(t) != nil {
			t.scope.project = ""
		}
		return nil
	case string:
		if want == "unscoped" {
			return nil
		}
	case map[string]any:
		return s.scopeTo(t, want)
	}
	return answer.Fail(http.StatusBadRequest, "Invalid input for field 'scope': %v is not of type 'object'", asked)
}

func (s *Service) scopeTo(t *token, want map[string]any) error {
	if p, ok := want["project"]; ok {
		found := s.findProject(toRef(p))
		if found == nil {
			return errAuth
		}
		t.scope.project = found.ID()
		return s.checkScope(t)
	}
	if d, ok := want["domain"]; ok {
		r := toRef(d)
		found := s.findDomain(&r)
		if found == nil || len(s.rolesOf(t.user, found.ID())) == 0 {
			return errAuth
		}
		t.scope.domain = found.ID()
		return nil
	}
	if _, ok := want["system"]; ok {
		if !s.isAdmin(t.user) && len(s.rolesOf(t.user, system)) == 0 {
			return errAuth
		}
		t.scope.system = true
	}
	return nil
}

func (s *Service) checkScope(t *token) error {
	p := s.projects.Row(t.scope.project)
	if p == nil || !p.Flag("enabled") || len(s.rolesOf(t.user, p.ID())) == 0 {
		return errAuth
	}
	return nil
}
