package keystone

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// owner refuses the application credentials of somebody else.
func owner(r *http.Request, action string, adminToo bool) (string, error) {
	user := r.PathValue("user")
	c := front.CallerOf(r)
	if c.UserID != user && (!adminToo || !c.Is(RoleAdmin)) {
		return "", notAllowed(action)
	}
	return user, nil
}

func (s *Service) listAppCreds(w http.ResponseWriter, r *http.Request) error {
	user, err := owner(r, "list_application_credentials", true)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []map[string]any
	for _, c := range sortedBy(s.appCreds, func(c *AppCred) string { return c.Name }) {
		if c.UserID == user && wanted(r.URL.Query(), map[string]string{"name": c.Name}) {
			out = append(out, s.appCredBody(r, c))
		}
	}
	collection(w, r, "application_credentials", out)
	return nil
}

func (s *Service) showAppCred(w http.ResponseWriter, r *http.Request) error {
	user, err := owner(r, "get_application_credential", true)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.appCreds[r.PathValue("id")]
	if c == nil || c.UserID != user {
		return appCredNotFound(r.PathValue("id"))
	}
	answer.JSON(w, http.StatusOK, map[string]any{"application_credential": s.appCredBody(r, c)})
	return nil
}

func (s *Service) createAppCred(w http.ResponseWriter, r *http.Request) error {
	user, err := owner(r, "create_application_credential", false)
	if err != nil {
		return err
	}
	var q struct {
		C struct {
			Name, Description, Secret string
			Unrestricted              *bool
			ExpiresAt                 *string `json:"expires_at"`
			Roles                     []ref
			AccessRules               []accessRule `json:"access_rules"`
		} `json:"application_credential"`
	}
	if err := decode(r, &q); err != nil {
		return err
	}
	if q.C.Name == "" {
		return answer.Fail(http.StatusBadRequest, "'name' is a required property")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[r.Header.Get("X-Auth-Token")]
	if t == nil || t.scope.project == "" {
		return answer.Fail(http.StatusBadRequest, "Project scope is required to create an application credential.")
	}
	if t.appCred != nil && !t.appCred.Unrestricted {
		return answer.Fail(http.StatusForbidden, "Using method 'application_credential' is not allowed for managing additional "+
			"application credentials.")
	}
	if s.findAppCred(user, q.C.Name) != nil {
		return answer.Fail(http.StatusConflict, "Conflict occurred attempting to store application_credential - Duplicate entry found "+
			"with name %s.", q.C.Name)
	}
	c := &AppCred{
		ID: newID(), Name: q.C.Name, Description: q.C.Description, UserID: user, ProjectID: t.scope.project,
		Unrestricted: q.C.Unrestricted != nil && *q.C.Unrestricted, named: q.C.Unrestricted != nil,
		secret: q.C.Secret, Roles: s.tokenRoles(t),
	}
	if err := s.narrow(c, q.C.Roles); err != nil {
		return err
	}
	if q.C.ExpiresAt != nil {
		if c.ExpiresAt, err = parseTime(*q.C.ExpiresAt); err != nil {
			return answer.Fail(http.StatusBadRequest,
				"Timestamp not in expected format. The server could not comply with the request since it is either malformed or "+
					"otherwise incorrect. The client is assumed to be in error.")
		}
	}
	if c.secret == "" {
		c.secret = NewSecret()
	}
	c.rules = s.accessRules(user, q.C.AccessRules)
	s.appCreds[c.ID] = c
	body := s.appCredBody(r, c)
	body["secret"] = c.secret
	answer.JSON(w, http.StatusCreated, map[string]any{"application_credential": body})
	return nil
}

// narrow limits an application credential to the roles asked for, of those that its maker has.
func (s *Service) narrow(c *AppCred, roles []ref) error {
	if len(roles) == 0 {
		return nil
	}
	var names []string
	for _, want := range roles {
		name := want.Name
		if o := s.roles.Row(want.ID); o != nil {
			name = o.Text("name")
		}
		if !slices.Contains(c.Roles, name) {
			return answer.Fail(http.StatusBadRequest,
				"Invalid application credential: Cannot create an application credential with unassigned role")
		}
		names = append(names, name)
		if k := slices.Index(roleOrder, name); k >= 0 {
			names = append(names, roleOrder[k:]...)
		}
	}
	slices.Sort(names)
	c.Roles = slices.Compact(names)
	return nil
}

func (s *Service) deleteAppCred(w http.ResponseWriter, r *http.Request) error {
	user, err := owner(r, "delete_application_credential", true)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.appCreds[r.PathValue("id")]
	if c == nil || c.UserID != user {
		return appCredNotFound(r.PathValue("id"))
	}
	delete(s.appCreds, c.ID)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) appCredBody(r *http.Request, c *AppCred) map[string]any {
	roles := []map[string]any{}
	for _, name := range c.Roles {
		if o := s.roleByName(name); o != nil {
			role := o.Body(r)
			delete(role, "links")
			roles = append(roles, role)
		}
	}
	var expires any
	if !c.ExpiresAt.IsZero() {
		expires = strings.TrimSuffix(stamp(c.ExpiresAt), "Z")
	}
	var unrestricted any // null unless it was named
	if c.Unrestricted || c.named {
		unrestricted = c.Unrestricted
	}
	body := map[string]any{
		"id": c.ID, "name": c.Name, "description": orNull(c.Description), "project_id": c.ProjectID, "roles": roles,
		"unrestricted": unrestricted, "expires_at": expires, "system": nil, "user_id": c.UserID,
		"links": self(r, "application_credentials", c.ID),
	}
	if len(c.rules) > 0 {
		var rules []map[string]any
		for _, id := range c.rules {
			rules = append(rules, s.rules.Row(id).Body(r))
		}
		body["access_rules"] = rules
	}
	return body
}

// AppCred is an application credential.
type AppCred struct {
	ID, Name, Description, UserID, ProjectID string
	Roles                                    []string
	Unrestricted                             bool
	ExpiresAt                                time.Time // zero = never

	secret string
	rules  []string // ids of its access rules
	named  bool     // its creation said whether it is unrestricted
}

// AddAppCred adds an unexpiring application credential with a user's roles in a project, and returns it and its secret.
func (s *Service) AddAppCred(userID, projectID, name string) (AppCred, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &AppCred{ID: newID(), Name: name, UserID: userID, ProjectID: projectID, Roles: s.rolesOf(userID, projectID), secret: NewSecret()}
	s.appCreds[c.ID] = c
	return *c, c.secret
}

func (s *Service) findAppCred(user, name string) *AppCred {
	for _, c := range s.appCreds {
		if c.UserID == user && c.Name == name {
			return c
		}
	}
	return nil
}
