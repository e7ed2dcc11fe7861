package keystone

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func projectBody(r *http.Request, p *Project) map[string]any {
	return map[string]any{
		"id": p.ID, "name": p.Name, "domain_id": p.DomainID, "parent_id": p.DomainID, "description": p.Description,
		"enabled": p.Enabled, "is_domain": false, "tags": []string{}, "options": map[string]any{}, "links": self(r, "projects", p.ID),
	}
}

func projectNotFound(id string) error {
	return front.Fail(http.StatusNotFound, "Could not find project: %s.", id)
}

func (s *Service) listProjects(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_projects"); err != nil {
		return err
	}
	s.answerProjects(w, r, func(*Project) bool { return true })
	return nil
}

func (s *Service) authProjects(w http.ResponseWriter, r *http.Request) error {
	user := front.CallerOf(r).UserID
	s.answerProjects(w, r, func(p *Project) bool { return len(s.rolesOf(user, p.ID)) > 0 })
	return nil
}

func (s *Service) userProjects(w http.ResponseWriter, r *http.Request) error {
	user := r.PathValue("id")
	if c := front.CallerOf(r); c.UserID != user && !c.Is(RoleAdmin) {
		return notAllowed("list_user_projects")
	}
	s.answerProjects(w, r, func(p *Project) bool { return len(s.rolesOf(user, p.ID)) > 0 })
	return nil
}

func (s *Service) answerProjects(w http.ResponseWriter, r *http.Request, keep func(*Project) bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []map[string]any
	for _, p := range sortedBy(s.projects, func(p *Project) string { return p.Name + p.ID }) {
		fields := map[string]string{"name": p.Name, "domain_id": p.DomainID, "enabled": strconv.FormatBool(p.Enabled)}
		if keep(p) && wanted(r.URL.Query(), fields) {
			out = append(out, projectBody(r, p))
		}
	}
	collection(w, r, "projects", out)
}

func (s *Service) showProject(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if c := front.CallerOf(r); !c.Is(RoleAdmin) && c.ProjectID != id {
		return notAllowed("get_project")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.projects[id]
	if p == nil {
		return projectNotFound(id)
	}
	front.JSON(w, http.StatusOK, map[string]any{"project": projectBody(r, p)})
	return nil
}

type projectRequest struct {
	Project struct {
		Name        *string `json:"name"`
		Description *string `json:"description"`
		DomainID    *string `json:"domain_id"`
		Enabled     *bool   `json:"enabled"`
	} `json:"project"`
}

func (s *Service) createProject(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "create_project"); err != nil {
		return err
	}
	var q projectRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	if q.Project.Name == nil || *q.Project.Name == "" {
		return front.Fail(http.StatusBadRequest, "Invalid input for field 'name': '' is too short")
	}
	p := Project{Name: *q.Project.Name, DomainID: "default", Enabled: true}
	set(&p.Description, q.Project.Description)
	set(&p.DomainID, q.Project.DomainID)
	set(&p.Enabled, q.Project.Enabled)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.domains[p.DomainID] == nil {
		return front.Fail(http.StatusNotFound, "Could not find domain: %s.", p.DomainID)
	}
	p, err := s.addProject(p)
	if err != nil {
		return err
	}
	front.JSON(w, http.StatusCreated, map[string]any{"project": projectBody(r, &p)})
	return nil
}

func (s *Service) updateProject(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "update_project"); err != nil {
		return err
	}
	var q projectRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[r.PathValue("id")]
	if p == nil {
		return projectNotFound(r.PathValue("id"))
	}
	set(&p.Name, q.Project.Name)
	set(&p.Description, q.Project.Description)
	set(&p.Enabled, q.Project.Enabled)
	front.JSON(w, http.StatusOK, map[string]any{"project": projectBody(r, p)})
	return nil
}

func (s *Service) deleteProject(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "delete_project"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("id")
	if s.projects[id] == nil {
		return projectNotFound(id)
	}
	delete(s.projects, id)
	maps.DeleteFunc(s.grants, func(g grant, _ bool) bool { return g.target == id })
	maps.DeleteFunc(s.appCreds, func(_ string, c *AppCred) bool { return c.ProjectID == id })
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
