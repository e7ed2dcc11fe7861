// Package cloud connects to one OpenStack cloud: it finds the credentials, requests a token once, and
// returns service clients that share one transport, which keeps connections and retries requests that
// are safe to repeat.
package cloud

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// Cloud is a connection to a cloud with one project's credentials. It is safe for concurrent use.
type Cloud struct {
	name      string
	region    string
	avail     gophercloud.Availability
	provider  *gophercloud.ProviderClient
	transport *transport
	catalog   *tokens.ServiceCatalog
	overrides map[string]string  // URLs by type of service, instead of the catalog's
	services  map[string]special // what the entry says about one service, by its name
	allowHTTP bool               // the token may go to endpoints without TLS although Keystone has it
	project   Project
	userID    string
	roles     []string
	trust     trust
	secrets   []string // the credentials
}

// Project is the project that a token is scoped to; all fields are empty for other scopes.
type Project struct {
	ID, Name, DomainID string
}

// Connect authenticates with a single token request. An expired token is renewed if the credentials allow
// it. Wrong credentials are fault.Forbidden; an unreachable Keystone is fault.Unavailable; conflicting
// options, and credentials for another project than the requested one, are fault.Usage.
func Connect(ctx context.Context, a Access) (*Cloud, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	tr := newTransport(s.tls, s.trust.commonRun(s.tls))
	pc := newProvider(s.base, tr)
	tr.Allow(s.base)
	if err := signIn(ctx, pc, s.auth); err != nil {
		return nil, s.explain(err)
	}
	c := &Cloud{
		name: s.names.cloud, region: s.region, avail: s.avail, provider: pc, transport: tr,
		services: s.services, allowHTTP: s.allowHTTP, trust: s.trust, secrets: s.secrets(),
	}
	project, err := c.readToken()
	if err != nil {
		return nil, fmt.Errorf("reading the token that %q gave: %w", s.auth.IdentityEndpoint, Classify(err))
	}
	c.prepareTransport()
	if err := s.wish.fulfilled(c, project); err != nil {
		return nil, err
	}
	return c, nil
}

func newProvider(base string, tr *transport) *gophercloud.ProviderClient {
	pc := &gophercloud.ProviderClient{IdentityBase: base, IdentityEndpoint: base + "v3/"}
	pc.UseTokenLock()
	pc.HTTPClient = http.Client{Transport: tr}
	pc.UserAgent.Prepend("imgctl")
	return pc
}

// token is what both ways of getting a token answer.
type token interface {
	ExtractServiceCatalog() (*tokens.ServiceCatalog, error)
	ExtractProject() (*tokens.Project, error)
	ExtractUser() (*tokens.User, error)
	ExtractRoles() ([]tokens.Role, error)
}

func (c *Cloud) readToken() (*tokens.Project, error) {
	t, ok := c.provider.GetAuthResult().(token)
	if !ok {
		return nil, fmt.Errorf("unknown kind of token %T", c.provider.GetAuthResult())
	}
	catalog, err := t.ExtractServiceCatalog()
	if err != nil {
		return nil, err
	}
	c.catalog = catalog
	project, err := t.ExtractProject()
	if err != nil {
		return nil, err
	}
	if project != nil {
		c.project = Project{ID: project.ID, Name: project.Name, DomainID: project.Domain.ID}
	}
	user, err := t.ExtractUser()
	if err != nil {
		return nil, err
	}
	if user != nil {
		c.userID = user.ID
	}
	roles, err := t.ExtractRoles()
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		c.roles = append(c.roles, r.Name)
	}
	return project, nil
}

// Name is the entry of clouds.yaml that was used, or the identity endpoint's URL without one.
func (c *Cloud) Name() string { return c.name }

// Region is the region whose services are used; "" means the first one of the catalog.
func (c *Cloud) Region() string { return c.region }

// Project is what the token is scoped to.
func (c *Cloud) Project() Project { return c.project }

// UserID is the id of the user that the credentials belong to.
func (c *Cloud) UserID() string { return c.userID }

// Roles are the names of the user's roles in the project.
func (c *Cloud) Roles() []string { return slices.Clone(c.roles) }

// IsAdmin reports whether the user has the role admin, and so sees every project's objects.
func (c *Cloud) IsAdmin() bool { return slices.Contains(c.roles, "admin") }

// Traffic is how many requests were sent and connections opened so far.
func (c *Cloud) Traffic() Traffic { return c.transport.traffic() }

// Now is the time by the cloud's clock: that of its last answer, which counts whole seconds, and the time since.
func (c *Cloud) Now() time.Time { return time.Now().Add(time.Duration(c.transport.ahead.Load())).UTC() }

// Close closes idle connections.
func (c *Cloud) Close() { c.transport.Close() }
