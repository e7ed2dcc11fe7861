// Package keystone is the sandbox's identity service: the Identity API v3 with domains, projects,
// users, roles, application credentials and tokens that expire.
package keystone

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Region is the sandbox's one region.
const Region = "RegionOne"

// Options configures a Service.
type Options struct {
	TokenLifetime time.Duration // 0 = one hour
	Catalog       []Endpoint
	Clock         *front.Clock
}

// Service is the identity service.
type Service struct {
	catalog []Endpoint
	clock   *front.Clock

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
		catalog: o.Catalog, clock: o.Clock, lifetime: o.TokenLifetime,
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
