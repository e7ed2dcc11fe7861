package keystone

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func projectBody(r *http.Request, p *Project) map[string]any {
	return map[string]any{
		"id": p.ID, "name": p.Name, "domain_id": p.DomainID, "parent_id": p.DomainID, "description": p.Description,
		"enabled": p.Enabled, "is_domain": false, "tags": []string{}, "options": map[string]any{}, "links": self(r, "projects", p.ID),
	}
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
	answer.JSON(w, http.StatusOK, map[string]any{"project": projectBody(r, p)})
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
		return answer.Fail(http.StatusBadRequest, "Invalid input for field 'name': '' is too short")
	}
	p := Project{Name: *q.Project.Name, DomainID: "default", Enabled: true}
	set(&p.Description, q.Project.Description)
	set(&p.DomainID, q.Project.DomainID)
	set(&p.Enabled, q.Project.Enabled)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.domains[p.DomainID] == nil {
		return answer.Fail(http.StatusNotFound, "Could not find domain: %s.", p.DomainID)
	}
	p, err := s.addProject(p)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusCreated, map[string]any{"project": projectBody(r, &p)})
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
	answer.JSON(w, http.StatusOK, map[string]any{"project": projectBody(r, p)})
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

// Project is a project.
type Project struct {
	ID, Name, DomainID, Description string
	Enabled                         bool
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

// AddProject adds a project to a domain.
func (s *Service) AddProject(domainID, name string) (Project, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addProject(Project{Name: name, DomainID: domainID, Enabled: true})
}

func (s *Service) addProject(p Project) (Project, error) {
	for _, o := range s.projects {
		if o.DomainID == p.DomainID && o.Name == p.Name {
			return Project{}, answer.Fail(http.StatusConflict,
				"Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name "+
					"or same id in the same domain: name is %s, project id %s.", p.Name, o.ID)
		}
	}
	p.ID = newID()
	s.projects[p.ID] = &p
	return p, nil
}

// Projects returns all projects, by name.
func (s *Service) Projects() []Project {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Project
	for _, p := range s.projects {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Project) int { return strings.Compare(a.Name, b.Name) })
	return out
}
