package keystone

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// scopeToken sets what a token is scoped to: as asked, else the user's default project.
func (s *Service) scopeToken(t *token, asked any) error {
	if t.appCred != nil {
		if asked != nil && t.methods[0] == "application_credential" {
			return front.Fail(http.StatusUnauthorized, "Application credentials cannot request a scope.")
		}
		t.scope.project = t.appCred.ProjectID
		return s.checkProject(t)
	}
	switch want := asked.(type) {
	case nil:
		if t.methods[0] == "token" {
			return nil
		}
		t.scope.project = s.users[t.user].DefaultProjectID
		if t.scope.project != "" && s.checkProject(t) != nil {
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
	return front.Fail(http.StatusBadRequest, "Invalid input for field 'scope': %v is not of type 'object'", asked)
}

func (s *Service) scopeTo(t *token, want map[string]any) error {
	if p, ok := want["project"]; ok {
		found := s.findProject(toRef(p))
		if found == nil {
			return errAuth
		}
		t.scope.project = found.ID
		return s.checkProject(t)
	}
	if d, ok := want["domain"]; ok {
		r := toRef(d)
		found := s.findDomain(&r)
		if found == nil || len(s.rolesOf(t.user, found.ID)) == 0 {
			return errAuth
		}
		t.scope.domain = found.ID
		return nil
	}
	if _, ok := want["system"]; ok {
		if !s.isAdmin(t.user) {
			return errAuth
		}
		t.scope.system = true
	}
	return nil
}

func (s *Service) checkProject(t *token) error {
	p := s.projects[t.scope.project]
	if p == nil || !p.Enabled || len(s.rolesOf(t.user, p.ID)) == 0 {
		return errAuth
	}
	return nil
}

func (s *Service) findProject(r ref) *Project {
	if r.ID != "" {
		return s.projects[r.ID]
	}
	d := s.findDomain(r.Domain)
	if d == nil {
		return nil
	}
	for _, p := range s.projects {
		if p.Name == r.Name && p.DomainID == d.ID {
			return p
		}
	}
	return nil
}

// toRef reads {"id"} or {"name", "domain": {...}} out of decoded JSON.
func toRef(v any) ref {
	m, _ := v.(map[string]any)
	var r ref
	r.ID, _ = m["id"].(string)
	r.Name, _ = m["name"].(string)
	if d, ok := m["domain"]; ok {
		inner := toRef(d)
		r.Domain = &inner
	}
	return r
}
