package keystone

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// Domain is a domain.
type Domain struct{ ID, Name string }

// AddDomain returns the domain of a name, made if need be.
func (s *Service) AddDomain(name string) Domain {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := named(s.domains, name, "")
	if row == nil {
		row = s.domains.Add("", "", map[string]any{"name": name})
	}
	return Domain{row.ID(), row.Text("name")}
}

func (s *Service) findDomain(r *ref) *resource.Row {
	switch {
	case r == nil:
		return nil
	case r.ID != "":
		return s.domains.Row(r.ID)
	}
	return named(s.domains, r.Name, "")
}

func (s *Service) domainRef(id string) map[string]any {
	name := ""
	if d := s.domains.Row(id); d != nil {
		name = d.Text("name")
	}
	return map[string]any{"id": id, "name": name}
}

func (s *Service) checkDomain(_ *http.Request, _ front.Caller, row *resource.Row) error {
	if named(s.domains, row.Text("name"), "") != nil {
		return duplicate("domain", row.Text("name"))
	}
	return nil
}

// endDomain removes what a domain has with it. It has to be disabled first.
func (s *Service) endDomain(row *resource.Row) (bool, error) {
	if row.Flag("enabled") {
		return false, answer.Fail(http.StatusForbidden, "Cannot delete a domain that is enabled, please disable it first.")
	}
	for _, t := range []*resource.Table{s.projects, s.users, s.groups, s.roles} {
		for _, o := range slices.Clone(t.Rows()) {
			if o.Text("domain_id") == row.ID() {
				s.forget(o.ID())
				t.Forget(o.ID())
			}
		}
	}
	s.forget(row.ID())
	return false, nil
}

// Project is a project.
type Project struct{ ID, Name, DomainID string }

// AddProject adds a project to a domain.
func (s *Service) AddProject(domainID, name string) (Project, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := named(s.projects, name, domainID); o != nil {
		return Project{}, sameProject(name, o.ID())
	}
	row := s.projects.Add("", "", map[string]any{"name": name, "domain_id": domainID, "parent_id": domainID})
	return projectOf(row), nil
}

func projectOf(row *resource.Row) Project {
	return Project{row.ID(), row.Text("name"), row.Text("domain_id")}
}

// Projects returns all projects, by name.
func (s *Service) Projects() []Project {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Project
	for _, row := range s.projects.Rows() {
		out = append(out, projectOf(row))
	}
	slices.SortFunc(out, func(a, b Project) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *Service) findProject(r ref) *resource.Row {
	if r.ID != "" {
		return s.projects.Row(r.ID)
	}
	if d := s.findDomain(r.Domain); d != nil {
		return named(s.projects, r.Name, d.ID())
	}
	return nil
}

func sameProject(name, id string) error {
	return answer.Fail(http.StatusConflict,
		"Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name or same id "+
			"in the same domain: name is %s, project id %s.", name, id)
}

// named refuses a name that is none.
func checkName(row *resource.Row) error {
	if row.Text("name") == "" {
		return answer.Fail(http.StatusBadRequest, "Invalid input for field 'name': '' is too short")
	}
	return nil
}

func (s *Service) checkProject(_ *http.Request, _ front.Caller, row *resource.Row) error {
	if err := checkName(row); err != nil {
		return err
	}
	if row.Flag("is_domain") {
		s.domains.Add(row.ID(), "", map[string]any{"name": row.Text("name"), "description": row.Text("description")})
		return nil
	}
	parent := s.projects.Row(row.Text("parent_id"))
	if parent != nil && !parent.Flag("is_domain") {
		row.Set("domain_id", cmp.Or(row.Text("domain_id"), parent.Text("domain_id")))
	}
	row.Set("domain_id", cmp.Or(row.Text("domain_id"), row.Text("parent_id"), "default"))
	row.Set("parent_id", cmp.Or(row.Text("parent_id"), row.Text("domain_id")))
	if s.domains.Row(row.Text("domain_id")) == nil {
		return notFound("domain", row.Text("domain_id"))
	}
	if parent == nil && row.Text("parent_id") != row.Text("domain_id") {
		return notFound("project", row.Text("parent_id"))
	}
	if o := named(s.projects, row.Text("name"), row.Text("domain_id")); o != nil {
		return sameProject(row.Text("name"), o.ID())
	}
	return nil
}

// changeProject keeps a project that is a domain and the domain alike.
func (s *Service) changeProject(_ *http.Request, _ front.Caller, row *resource.Row, values map[string]any) error {
	if enabled, named := values["enabled"]; named && row.Flag("is_domain") {
		s.domains.Row(row.ID()).Set("enabled", enabled)
	}
	if values["enabled"] == false && !row.Flag("is_domain") && slices.ContainsFunc(s.projects.Rows(), func(o *resource.Row) bool {
		return o.Text("parent_id") == row.ID() && o.Flag("enabled")
	}) {
		return answer.Fail(http.StatusForbidden, "Cannot disable project %s since its subtree contains enabled projects.", row.ID())
	}
	return nil
}

// shapeProject shows a project, and what is above and below it where that is asked for.
func (s *Service) shapeProject(r *http.Request, row *resource.Row, body map[string]any) {
	body["links"] = self(r, "projects", row.ID())
	q := r.URL.Query()
	if q.Has("subtree_as_ids") {
		body["subtree"] = s.subtree(row.ID())
	}
	if q.Has("parents_as_ids") {
		body["parents"] = s.parents(row)
	}
}

// subtree are the projects below one, each with those below it; nil for none.
func (s *Service) subtree(id string) any {
	below := map[string]any{}
	for _, o := range s.projects.Rows() {
		if o.Text("parent_id") == id {
			below[o.ID()] = s.subtree(o.ID())
		}
	}
	if len(below) == 0 {
		return nil
	}
	return below
}

// parents are the projects above one, the nearest first, and its domain.
func (s *Service) parents(row *resource.Row) any {
	id := row.Text("parent_id")
	if id == "" {
		return nil
	}
	above := map[string]any{id: nil}
	if parent := s.projects.Row(id); parent != nil {
		above[id] = s.parents(parent)
	}
	return above
}

func (s *Service) endProject(row *resource.Row) (bool, error) {
	for _, o := range s.projects.Rows() {
		if o.Text("parent_id") == row.ID() {
			return false, answer.Fail(http.StatusForbidden, "Cannot delete the project %s since it is not a leaf in the hierarchy. "+
				"Use the cascade option if you want to delete a whole subtree.", row.ID())
		}
	}
	if row.Flag("is_domain") {
		if err := s.domains.Delete(row.ID()); err != nil {
			return false, err
		}
	}
	s.forget(row.ID())
	return false, nil
}

// above are the projects and the domain that a project is in, nearest first.
func (s *Service) above(project string) (ids []string) {
	row := s.projects.Row(project)
	for row != nil && !slices.Contains(ids, row.Text("parent_id")) {
		parent := s.projects.Row(row.Text("parent_id"))
		if parent == nil {
			return append(ids, row.Text("domain_id"))
		}
		ids = append(ids, parent.ID())
		row = parent
	}
	return ids
}

func (s *Service) authProjects(r *http.Request, c front.Caller) (int, any, error) {
	return http.StatusOK, s.projectsOf(r, c.UserID), nil
}

func (s *Service) userProjects(r *http.Request, c front.Caller) (int, any, error) {
	user := r.PathValue("id")
	if c.UserID != user && !c.Is(RoleAdmin) {
		return 0, nil, notAllowed("list_user_projects")
	}
	return http.StatusOK, s.projectsOf(r, user), nil
}

func (s *Service) projectsOf(r *http.Request, user string) map[string]any {
	return listed(r, s.projects, func(row *resource.Row) bool { return !row.Flag("is_domain") && len(s.rolesOf(user, row.ID())) > 0 })
}

func (s *Service) authDomains(r *http.Request, c front.Caller) (int, any, error) {
	return http.StatusOK, listed(r, s.domains, func(row *resource.Row) bool { return len(s.rolesOf(c.UserID, row.ID())) > 0 }), nil
}
