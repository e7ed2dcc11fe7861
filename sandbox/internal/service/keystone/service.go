package keystone

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Region is the sandbox's one region.
const Region = "RegionOne"

// Endpoint is a service in the catalog.
type Endpoint struct {
	Type, Name string
	Path       string // below the sandbox's URL; "%s" stands for the project's id
}

// Options configures a Service.
type Options struct {
	TokenLifetime time.Duration // 0 = one hour
	Catalog       []Endpoint
}

// Service is the identity service.
type Service struct {
	catalog []Endpoint

	mu       sync.RWMutex
	lifetime time.Duration
	domains  map[string]*Domain
	projects map[string]*Project
	users    map[string]*User
	roles    map[string]*role
	appCreds map[string]*AppCred
	grants   map[grant]bool
	tokens   map[string]*token
}

// New returns an identity service with the domain "default" and the roles admin, member and reader.
func New(o Options) *Service {
	if o.TokenLifetime <= 0 {
		o.TokenLifetime = time.Hour
	}
	s := &Service{
		catalog: o.Catalog, lifetime: o.TokenLifetime,
		domains: map[string]*Domain{"default": {ID: "default", Name: "Default", Enabled: true}}, projects: map[string]*Project{},
		users: map[string]*User{}, roles: map[string]*role{}, appCreds: map[string]*AppCred{},
		grants: map[grant]bool{}, tokens: map[string]*token{},
	}
	for _, name := range roleOrder {
		id := newID()
		s.roles[id] = &role{id, name}
	}
	return s
}

// newID returns an id as Keystone makes them: 32 hexadecimal digits.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// NewSecret returns a random password.
func NewSecret() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// AddDomain returns the domain of a name, made if need be.
func (s *Service) AddDomain(name string) Domain {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.domains {
		if strings.EqualFold(d.Name, name) {
			return *d
		}
	}
	d := &Domain{ID: newID(), Name: name, Enabled: true}
	s.domains[d.ID] = d
	return *d
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
			return Project{}, front.Fail(http.StatusConflict, "Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name or same id in the same domain: name is %s, project id %s.", p.Name, o.ID)
		}
	}
	p.ID = newID()
	s.projects[p.ID] = &p
	return p, nil
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
			return User{}, front.Fail(http.StatusConflict, "Conflict occurred attempting to store user - Duplicate entry found with name %s at domain ID %s.", u.Name, u.DomainID)
		}
	}
	u.ID = newID()
	s.users[u.ID] = &u
	return u, nil
}

// Grant gives a user a role in a project; the user's first project becomes its default one.
func (s *Service) Grant(userID, projectID, roleName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants[grant{userID, projectID, roleName}] = true
	if u := s.users[userID]; u != nil && u.DefaultProjectID == "" {
		u.DefaultProjectID = projectID
	}
}

// AddAppCred adds an unexpiring application credential with a user's roles in a project, and returns it and its secret.
func (s *Service) AddAppCred(userID, projectID, name string) (AppCred, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &AppCred{ID: newID(), Name: name, UserID: userID, ProjectID: projectID, Roles: s.rolesOf(userID, projectID), secret: NewSecret()}
	s.appCreds[c.ID] = c
	return *c, c.secret
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

// rolesOf returns the names of a user's roles in a project or domain, implied ones included.
func (s *Service) rolesOf(user, target string) []string {
	first := len(roleOrder)
	var others []string
	for g := range s.grants {
		if g.user != user || g.target != target {
			continue
		}
		if k := slices.Index(roleOrder, g.role); k >= 0 {
			first = min(first, k)
		} else {
			others = append(others, g.role)
		}
	}
	slices.Sort(others)
	return append(slices.Clone(roleOrder[first:]), others...)
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
	if t == nil || !time.Now().Before(t.expires) {
		return nil
	}
	if u := s.users[t.user]; u == nil || !u.Enabled {
		return nil
	}
	if t.scope.project != "" {
		p := s.projects[t.scope.project]
		if p == nil || !p.Enabled || len(s.rolesOf(t.user, p.ID)) == 0 {
			return nil
		}
	}
	if t.appCred != nil && s.appCreds[t.appCred.ID] == nil {
		return nil
	}
	return t
}

func (s *Service) callerOf(t *token) front.Caller {
	u := s.users[t.user]
	c := front.Caller{UserID: u.ID, UserName: u.Name, UserDomainID: u.DomainID, Roles: s.tokenRoles(t)}
	if p := s.projects[t.scope.project]; p != nil {
		c.ProjectID, c.ProjectName, c.DomainID = p.ID, p.Name, p.DomainID
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

// isAdmin tells whether a user is admin in any project, which is what the sandbox takes for a right to system scope.
func (s *Service) isAdmin(user string) bool {
	for g := range s.grants {
		if g.user == user && g.role == RoleAdmin {
			return true
		}
	}
	return false
}

func (s *Service) roleByName(name string) *role {
	for _, r := range s.roles {
		if r.name == name {
			return r
		}
	}
	return nil
}

func sortedBy[T any](m map[string]*T, key func(*T) string) []*T {
	return slices.SortedFunc(maps.Values(m), func(a, b *T) int { return strings.Compare(key(a), key(b)) })
}
