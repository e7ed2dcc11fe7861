package keystone

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// User is a user.
type User struct{ ID, Name, DomainID string }

// AddUser adds a user to a domain.
func (s *Service) AddUser(domainID, name, password string) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if named(s.users, name, domainID) != nil {
		return User{}, sameUser(name, domainID)
	}
	row := s.users.Add("", "", map[string]any{"name": name, "domain_id": domainID, "password": password})
	return User{row.ID(), name, domainID}, nil
}

func sameUser(name, domain string) error {
	return answer.Fail(http.StatusConflict,
		"Conflict occurred attempting to store user - Duplicate entry found with name %s at domain ID %s.", name, domain)
}

func (s *Service) findUser(r ref) *resource.Row {
	if r.ID != "" {
		return s.users.Row(r.ID)
	}
	if d := s.findDomain(r.Domain); d != nil {
		return named(s.users, r.Name, d.ID())
	}
	return nil
}

// inDomain puts a new object into the default domain unless it names another.
func (s *Service) inDomain(row *resource.Row) error {
	if err := checkName(row); err != nil {
		return err
	}
	row.Set("domain_id", cmp.Or(row.Text("domain_id"), "default"))
	if s.domains.Row(row.Text("domain_id")) == nil {
		return notFound("domain", row.Text("domain_id"))
	}
	return nil
}

func (s *Service) checkUser(_ *http.Request, _ front.Caller, row *resource.Row) error {
	if err := s.inDomain(row); err != nil {
		return err
	}
	if named(s.users, row.Text("name"), row.Text("domain_id")) != nil {
		return sameUser(row.Text("name"), row.Text("domain_id"))
	}
	return nil
}

func (s *Service) endUser(row *resource.Row) (bool, error) {
	s.forget(row.ID())
	return false, nil
}

// changePassword sets the password of the user who knows the one before.
func (s *Service) changePassword(r *http.Request, _ front.Caller) (int, any, error) {
	var q struct {
		User struct {
			Original string `json:"original_password"`
			Password string `json:"password"`
		} `json:"user"`
	}
	if err := decode(r, &q); err != nil {
		return 0, nil, err
	}
	row := s.users.Row(r.PathValue("id"))
	if row == nil || row.Text("password") != q.User.Original {
		return 0, nil, errAuth
	}
	row.Set("password", q.User.Password)
	return http.StatusNoContent, nil, nil
}

func (s *Service) checkGroup(_ *http.Request, _ front.Caller, row *resource.Row) error {
	if err := s.inDomain(row); err != nil {
		return err
	}
	if named(s.groups, row.Text("name"), row.Text("domain_id")) != nil {
		return duplicate("group", row.Text("name"))
	}
	return nil
}

func (s *Service) endGroup(row *resource.Row) (bool, error) {
	s.forget(row.ID())
	return false, nil
}

// groupsOf are the groups that a user is in.
func (s *Service) groupsOf(user string) (ids []string) {
	for m := range s.members {
		if m.user == user {
			ids = append(ids, m.group)
		}
	}
	return ids
}

// membership is a user in a group.
type membership struct{ group, user string }

// member serves the calls about one user of a group.
func (s *Service) member(r *http.Request, c front.Caller) (int, any, error) {
	m := membership{r.PathValue("group"), r.PathValue("user")}
	switch {
	case !c.Is(RoleAdmin):
		return 0, nil, notAllowed("add_user_to_group")
	case s.groups.Row(m.group) == nil:
		return 0, nil, notFound("group", m.group)
	case s.users.Row(m.user) == nil:
		return 0, nil, notFound("user", m.user)
	}
	switch {
	case r.Method == http.MethodPut:
		s.members[m] = true
	case !s.members[m]:
		return 0, nil, answer.Fail(http.StatusNotFound, "User '%s' not found in group '%s'", m.user, m.group)
	case r.Method == http.MethodDelete:
		delete(s.members, m)
	}
	return http.StatusNoContent, nil, nil
}

// groupUsers and userGroups list who is in a group, and what groups a user is in.
func (s *Service) groupUsers(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is(RoleAdmin) {
		return 0, nil, notAllowed("list_users_in_group")
	}
	return http.StatusOK, listed(r, s.users, func(row *resource.Row) bool {
		return s.members[membership{r.PathValue("group"), row.ID()}]
	}), nil
}

func (s *Service) userGroups(r *http.Request, c front.Caller) (int, any, error) {
	if user := r.PathValue("id"); !c.Is(RoleAdmin) && c.UserID != user {
		return 0, nil, notAllowed("list_groups_for_user")
	}
	in := s.groupsOf(r.PathValue("id"))
	return http.StatusOK, listed(r, s.groups, func(row *resource.Row) bool { return slices.Contains(in, row.ID()) }), nil
}

// listed is the answer with the rows of a table that keep chooses.
func listed(r *http.Request, t *resource.Table, keep func(*resource.Row) bool) map[string]any {
	bodies := []map[string]any{}
	for _, row := range t.Rows() {
		if keep(row) {
			bodies = append(bodies, row.Body(r))
		}
	}
	return map[string]any{t.Plural: bodies, "links": links(r)}
}
