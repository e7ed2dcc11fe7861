package keystone

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// User is a user.
type User struct {
	ID, Name, DomainID, DefaultProjectID string
	Enabled                              bool

	password string
}

// AddUser adds a user to a domain.
func (s *Service) AddUser(domainID, name, password string) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUser(User{Name: name, DomainID: domainID, Enabled: true, password: password})
}

func (s *Service) addUser(u User) (User, error) {
	for _, o := range s.users {
		if o.DomainID == u.DomainID && o.Name == u.Name {
			return User{}, answer.Fail(http.StatusConflict,
				"Conflict occurred attempting to store user - Duplicate entry found with name %s at domain ID %s.", u.Name, u.DomainID)
		}
	}
	u.ID = newID()
	s.users[u.ID] = &u
	return u, nil
}

func (s *Service) findUser(r ref) *User {
	if r.ID != "" {
		return s.users[r.ID]
	}
	d := s.findDomain(r.Domain)
	if d == nil {
		return nil
	}
	for _, u := range s.users {
		if u.Name == r.Name && u.DomainID == d.ID {
			return u
		}
	}
	return nil
}

func userBody(r *http.Request, u *User) map[string]any {
	body := map[string]any{
		"id": u.ID, "name": u.Name, "domain_id": u.DomainID, "enabled": u.Enabled, "password_expires_at": nil, "options": map[string]any{},
		"links": self(r, "users", u.ID),
	}
	if u.DefaultProjectID != "" {
		body["default_project_id"] = u.DefaultProjectID
	}
	return body
}

func (s *Service) listUsers(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "list_users"); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []map[string]any
	for _, u := range sortedBy(s.users, func(u *User) string { return u.Name + u.ID }) {
		if wanted(r.URL.Query(), map[string]string{"name": u.Name, "domain_id": u.DomainID, "enabled": strconv.FormatBool(u.Enabled)}) {
			out = append(out, userBody(r, u))
		}
	}
	collection(w, r, "users", out)
	return nil
}

func (s *Service) showUser(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if c := front.CallerOf(r); !c.Is(RoleAdmin) && c.UserID != id {
		return notAllowed("get_user")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.users[id]
	if u == nil {
		return userNotFound(id)
	}
	answer.JSON(w, http.StatusOK, map[string]any{"user": userBody(r, u)})
	return nil
}

type userRequest struct {
	User struct {
		Name             *string `json:"name"`
		Password         *string `json:"password"`
		DomainID         *string `json:"domain_id"`
		DefaultProjectID *string `json:"default_project_id"`
		Enabled          *bool   `json:"enabled"`
	} `json:"user"`
}

func (s *Service) createUser(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "create_user"); err != nil {
		return err
	}
	var q userRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	if q.User.Name == nil || *q.User.Name == "" {
		return answer.Fail(http.StatusBadRequest, "Invalid input for field 'name': '' is too short")
	}
	u := User{Name: *q.User.Name, DomainID: "default", Enabled: true}
	set(&u.password, q.User.Password)
	set(&u.DomainID, q.User.DomainID)
	set(&u.DefaultProjectID, q.User.DefaultProjectID)
	set(&u.Enabled, q.User.Enabled)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.domains[u.DomainID] == nil {
		return answer.Fail(http.StatusNotFound, "Could not find domain: %s.", u.DomainID)
	}
	u, err := s.addUser(u)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusCreated, map[string]any{"user": userBody(r, &u)})
	return nil
}

func (s *Service) updateUser(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "update_user"); err != nil {
		return err
	}
	var q userRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[r.PathValue("id")]
	if u == nil {
		return userNotFound(r.PathValue("id"))
	}
	set(&u.Name, q.User.Name)
	set(&u.password, q.User.Password)
	set(&u.DefaultProjectID, q.User.DefaultProjectID)
	set(&u.Enabled, q.User.Enabled)
	answer.JSON(w, http.StatusOK, map[string]any{"user": userBody(r, u)})
	return nil
}

func (s *Service) deleteUser(w http.ResponseWriter, r *http.Request) error {
	if err := admin(r, "delete_user"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("id")
	if s.users[id] == nil {
		return userNotFound(id)
	}
	delete(s.users, id)
	maps.DeleteFunc(s.grants, func(g grant, _ bool) bool { return g.user == id })
	maps.DeleteFunc(s.appCreds, func(_ string, c *AppCred) bool { return c.UserID == id })
	w.WriteHeader(http.StatusNoContent)
	return nil
}
