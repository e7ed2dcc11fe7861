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
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
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
	clock *front.Clock

	mu        sync.RWMutex
	lifetime  time.Duration
	appCreds  map[string]*AppCred
	grants    map[grant]bool
	members   map[membership]bool
	offerings map[offering]bool
	implies   map[inference]bool
	tokens    map[string]*token

	domains, projects, users, groups, roles, regions, services, endpoints, credentials, policies                *resource.Table
	ec2, rules, registered, limits, providers, mappings, protocols, partners, consumers, trusts, endpointGroups *resource.Table
}

// New returns an identity service with the domain "default" and the roles admin, member and reader.
func New(o Options) *Service {
	if o.TokenLifetime <= 0 {
		o.TokenLifetime = time.Hour
	}
	s := &Service{
		clock: o.Clock, lifetime: o.TokenLifetime, appCreds: map[string]*AppCred{}, grants: map[grant]bool{},
		members: map[membership]bool{}, offerings: map[offering]bool{}, implies: map[inference]bool{}, tokens: map[string]*token{},
	}
	s.declare()
	s.domains.Add("default", "", map[string]any{"name": "Default"})
	prior := ""
	for _, name := range roleOrder {
		id := s.roles.Add("", "", map[string]any{"name": name, "options": map[string]any{"immutable": true}}).ID()
		if prior != "" {
			s.implies[inference{prior, id}] = true
		}
		prior = id
	}
	s.offer(o.Catalog)
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
