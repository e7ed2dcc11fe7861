package keystone

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// ref names an object by its id, or by its name in a domain.
type ref struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain *ref   `json:"domain"`
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

var (
	// errAuth is Keystone's answer to whatever is wrong with credentials.
	errAuth = front.Fail(http.StatusUnauthorized, "The request you have made requires authentication.")
	// errToken is its answer to a token that isn't one, or none any more.
	errToken = front.Fail(http.StatusNotFound, "Could not recognize Fernet token")
)

func expecting(what string) error {
	return front.Fail(http.StatusBadRequest, "Expecting to find %s. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.", what)
}

// decode reads a JSON document as Keystone does, which takes none for an empty one.
func decode(r *http.Request, v any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return front.Fail(http.StatusBadRequest, "reading the request's body: %v", err)
	}
	if len(data) > 0 && json.Unmarshal(data, v) != nil {
		return expecting("valid JSON in request body")
	}
	return nil
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
		return front.Fail(http.StatusBadRequest, "Invalid input for field 'identity': 'methods' is a required property")
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
	t.issued = time.Now()
	t.audit = base64.RawURLEncoding.EncodeToString(b[:16])
	s.tokens[t.id] = t
	w.Header().Set("X-Subject-Token", t.id)
	front.JSON(w, http.StatusCreated, map[string]any{"token": s.tokenBody(t, r)})
	return nil
}

// identify finds the user that a request's credentials prove.
func (s *Service) identify(q *authRequest) (*token, error) {
	id := q.Auth.Identity
	t := &token{methods: id.Methods, expires: time.Now().Add(s.lifetime)}
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
		if u == nil || !u.Enabled || subtle.ConstantTimeCompare([]byte(u.password), []byte(id.Password.User.Password)) != 1 {
			return nil, errAuth
		}
		t.user = u.ID
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
				c = s.findAppCred(u.ID, id.AppCred.Name)
			}
		}
		if c == nil && id.AppCred.ID != "" {
			return nil, appCredNotFound(id.AppCred.ID)
		}
		if c == nil || subtle.ConstantTimeCompare([]byte(c.secret), []byte(id.AppCred.Secret)) != 1 ||
			(!c.ExpiresAt.IsZero() && time.Now().After(c.ExpiresAt)) || !s.users[c.UserID].Enabled {
			return nil, errAuth
		}
		t.user, t.appCred = c.UserID, c
	default:
		return nil, expecting(id.Methods[0] + " in identity")
	}
	return t, nil
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

func (s *Service) findDomain(r *ref) *Domain {
	if r == nil {
		return nil
	}
	if r.ID != "" {
		return s.domains[r.ID]
	}
	for _, d := range s.domains {
		if strings.EqualFold(d.Name, r.Name) {
			return d
		}
	}
	return nil
}

func (s *Service) findAppCred(user, name string) *AppCred {
	for _, c := range s.appCreds {
		if c.UserID == user && c.Name == name {
			return c
		}
	}
	return nil
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
	front.JSON(w, http.StatusOK, map[string]any{"token": s.tokenBody(t, r)})
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
	u := s.users[t.user]
	body := map[string]any{
		"methods": t.methods, "audit_ids": []string{t.audit}, "issued_at": stamp(t.issued), "expires_at": stamp(t.expires),
		"user": map[string]any{"id": u.ID, "name": u.Name, "domain": s.domainRef(u.DomainID), "password_expires_at": nil},
	}
	switch {
	case t.scope.system:
		body["system"] = map[string]any{"all": true}
	case t.scope.domain != "":
		body["domain"] = s.domainRef(t.scope.domain)
	case t.scope.project != "":
		p := s.projects[t.scope.project]
		body["project"] = map[string]any{"id": p.ID, "name": p.Name, "domain": s.domainRef(p.DomainID)}
		body["is_domain"] = false
	default:
		return body
	}
	var roles []map[string]any
	for _, name := range s.tokenRoles(t) {
		if o := s.roleByName(name); o != nil {
			roles = append(roles, map[string]any{"id": o.id, "name": o.name})
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

func (s *Service) domainRef(id string) map[string]any {
	name := ""
	if d := s.domains[id]; d != nil {
		name = d.Name
	}
	return map[string]any{"id": id, "name": name}
}

// catalogFor lists the endpoints as a project sees them, at the host that the request was sent to.
func (s *Service) catalogFor(project string, r *http.Request) []map[string]any {
	out := []map[string]any{}
	for _, e := range s.catalog {
		path := e.Path
		if strings.Contains(path, "%s") {
			if project == "" {
				continue
			}
			path = fmt.Sprintf(path, project)
		}
		id := fmt.Sprintf("%x", e.Type+e.Name)
		var endpoints []map[string]any
		for _, face := range []string{"public", "internal", "admin"} {
			endpoints = append(endpoints, map[string]any{
				"id": id + face, "interface": face, "region": Region, "region_id": Region, "url": "http://" + r.Host + path,
			})
		}
		out = append(out, map[string]any{"id": id, "type": e.Type, "name": e.Name, "endpoints": endpoints})
	}
	return out
}

func notAllowed(action string) error {
	return front.Fail(http.StatusForbidden, "You are not authorized to perform the requested action: identity:%s.", action)
}
