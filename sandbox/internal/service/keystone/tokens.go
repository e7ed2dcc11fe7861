package keystone

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// token is what a token id stands for.
type token struct {
	id      string
	user    string
	scope   scope
	methods []string
	audit   string
	issued  time.Time
	expires time.Time
	appCred *AppCred
}

// SetTokenLifetime changes how long tokens from now on are valid.
func (s *Service) SetTokenLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// ExpireTokens lets all tokens so far expire.
func (s *Service) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = map[string]*token{}
}

// Authenticate returns who a token speaks for.
func (s *Service) Authenticate(id string) (front.Caller, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.valid(id)
	if t == nil {
		return front.Caller{}, false
	}
	return s.callerOf(t), true
}

// valid returns an unexpired token whose user, project and roles are still there, or nil.
func (s *Service) valid(id string) *token {
	t := s.tokens[id]
	if t == nil || !s.clock.Now().Before(t.expires) {
		return nil
	}
	if u := s.users.Row(t.user); u == nil || !u.Flag("enabled") {
		return nil
	}
	if t.scope.project != "" {
		if s.checkScope(t) != nil {
			return nil
		}
	}
	if t.appCred != nil && s.appCreds[t.appCred.ID] == nil {
		return nil
	}
	return t
}

func (s *Service) callerOf(t *token) front.Caller {
	u := s.users.Row(t.user)
	c := front.Caller{UserID: u.ID(), UserName: u.Text("name"), UserDomainID: u.Text("domain_id"), Roles: s.tokenRoles(t)}
	if p := s.projects.Row(t.scope.project); p != nil {
		c.ProjectID, c.ProjectName, c.DomainID = p.ID(), p.Text("name"), p.Text("domain_id")
	}
	return c
}

func (s *Service) tokenRoles(t *token) []string {
	switch {
	case t.scope.system:
		return slices.Clone(roleOrder)
	case t.scope.domain != "":
		return s.rolesOf(t.user, t.scope.domain)
	case t.scope.project == "":
		return nil
	}
	have := s.rolesOf(t.user, t.scope.project)
	if t.appCred == nil {
		return have
	}
	return slices.DeleteFunc(have, func(r string) bool { return !slices.Contains(t.appCred.Roles, r) })
}

type authRequest struct {
	Auth *struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password *struct {
				User struct {
					ref
					Password string `json:"password"`
				} `json:"user"`
			} `json:"password"`
			Token *struct {
				ID string `json:"id"`
			} `json:"token"`
			AppCred *struct {
				ID     string `json:"id"`
				Name   string `json:"name"`
				Secret string `json:"secret"`
				User   *ref   `json:"user"`
			} `json:"application_credential"`
		} `json:"identity"`
		Scope any `json:"scope"`
	} `json:"auth"`
}

func (s *Service) createToken(w http.ResponseWriter, r *http.Request) error {
	var q authRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	switch {
	case q.Auth == nil:
		return expecting("auth in request body")
	case q.Auth.Identity.Methods == nil:
		return answer.Fail(http.StatusBadRequest, "Invalid input for field 'identity': 'methods' is a required property")
	case len(q.Auth.Identity.Methods) == 0:
		return errAuth
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.identify(&q)
	if err != nil {
		return err
	}
	if err := s.scopeToken(t, q.Auth.Scope); err != nil {
		return err
	}
	b := make([]byte, 90)
	_, _ = rand.Read(b) // never fails
	t.id = "gAAAAA" + base64.RawURLEncoding.EncodeToString(b)
	t.issued = s.clock.Now()
	t.audit = base64.RawURLEncoding.EncodeToString(b[:16])
	s.tokens[t.id] = t
	w.Header().Set("X-Subject-Token", t.id)
	answer.JSON(w, http.StatusCreated, map[string]any{"token": s.tokenBody(t, r)})
	return nil
}

// identify finds the user that a request's credentials prove.
func (s *Service) identify(q *authRequest) (*token, error) {
	id := q.Auth.Identity
	t := &token{methods: id.Methods, expires: s.clock.Now().Add(s.lifetime)}
	switch id.Methods[0] {
	case "password":
		if id.Password == nil {
			return nil, expecting("password in identity")
		}
		who := id.Password.User.ref
		if who.ID == "" && who.Name == "" {
			return nil, expecting("user in None")
		}
		if who.ID == "" && who.Domain == nil {
			return nil, expecting("domain in user")
		}
		u := s.findUser(who)
		if u == nil || !u.Flag("enabled") ||
			subtle.ConstantTimeCompare([]byte(u.Text("password")), []byte(id.Password.User.Password)) != 1 {
			return nil, errAuth
		}
		t.user = u.ID()
	case "token":
		if id.Token == nil {
			return nil, expecting("token in identity")
		}
		old := s.valid(id.Token.ID)
		if old == nil {
			return nil, errToken
		}
		t.user, t.expires, t.appCred = old.user, old.expires, old.appCred
		t.methods = slices.Clone(old.methods)
		if !slices.Contains(t.methods, "token") {
			t.methods = append(t.methods, "token")
		}
	case "application_credential":
		if id.AppCred == nil {
			return nil, expecting("application_credential in identity")
		}
		if id.AppCred.ID == "" && (id.AppCred.Name == "" || id.AppCred.User == nil) {
			return nil, expecting("name or ID in application credential")
		}
		c := s.appCreds[id.AppCred.ID]
		if id.AppCred.ID == "" {
			if u := s.findUser(*id.AppCred.User); u != nil {
				c = s.findAppCred(u.ID(), id.AppCred.Name)
			}
		}
		if c == nil && id.AppCred.ID != "" {
			return nil, appCredNotFound(id.AppCred.ID)
		}
		if c == nil || subtle.ConstantTimeCompare([]byte(c.secret), []byte(id.AppCred.Secret)) != 1 ||
			(!c.ExpiresAt.IsZero() && s.clock.Now().After(c.ExpiresAt)) || !s.users.Row(c.UserID).Flag("enabled") {
			return nil, errAuth
		}
		t.user, t.appCred = c.UserID, c
	default:
		return nil, expecting(id.Methods[0] + " in identity")
	}
	return t, nil
}

// subject finds the token that X-Subject-Token names, if the caller may handle it.
func (s *Service) subject(r *http.Request, action string) (*token, error) {
	if _, given := r.Header["X-Subject-Token"]; !given {
		return nil, notAllowed(action)
	}
	id := r.Header.Get("X-Subject-Token")
	t := s.valid(id)
	if t == nil {
		return nil, errToken
	}
	if c := front.CallerOf(r); !c.Is(RoleAdmin) && c.UserID != t.user {
		return nil, notAllowed(action)
	}
	return t, nil
}

func (s *Service) validateToken(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.subject(r, "validate_token")
	if err != nil {
		return err
	}
	w.Header().Set("X-Subject-Token", t.id)
	answer.JSON(w, http.StatusOK, map[string]any{"token": s.tokenBody(t, r)})
	return nil
}

func (s *Service) revokeToken(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.subject(r, "revoke_token")
	if err != nil {
		return err
	}
	delete(s.tokens, t.id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) tokenBody(t *token, r *http.Request) map[string]any {
	u := s.users.Row(t.user)
	body := map[string]any{
		"methods": t.methods, "audit_ids": []string{t.audit}, "issued_at": stamp(t.issued), "expires_at": stamp(t.expires),
		"user": map[string]any{
			"id": u.ID(), "name": u.Text("name"), "domain": s.domainRef(u.Text("domain_id")), "password_expires_at": nil,
		},
	}
	switch {
	case t.scope.system:
		body["system"] = map[string]any{"all": true}
	case t.scope.domain != "":
		body["domain"] = s.domainRef(t.scope.domain)
	case t.scope.project != "":
		p := s.projects.Row(t.scope.project)
		body["project"] = map[string]any{"id": p.ID(), "name": p.Text("name"), "domain": s.domainRef(p.Text("domain_id"))}
		body["is_domain"] = false
	default:
		return body
	}
	var roles []map[string]any
	for _, name := range s.tokenRoles(t) {
		if o := s.roleByName(name); o != nil {
			roles = append(roles, map[string]any{"id": o.ID(), "name": o.Text("name")})
		}
	}
	body["roles"] = roles
	if _, no := r.URL.Query()["nocatalog"]; !no {
		body["catalog"] = s.catalogFor(t.scope.project, r)
	}
	if t.appCred != nil {
		body["application_credential"] = map[string]any{"id": t.appCred.ID, "name": t.appCred.Name, "restricted": !t.appCred.Unrestricted}
	}
	return body
}
