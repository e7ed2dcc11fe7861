package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Grant is an access that somebody else has authenticated: a token, the catalog and so on. It has no
// password and no other secret.
type Grant struct {
	Name             string // of the cloud, for people
	IdentityEndpoint string // Keystone's URL, with or without its version
	Token            string
	ExpiresAt        time.Time // of the token; zero if it isn't known
	Project          Project
	UserID           string
	Roles            []string // names
	Region           string   // "" is the first one of the catalog
	EndpointType     string   // as Access.EndpointType
	Catalog          []byte   // JSON, the list that a token's answer has as "catalog"

	// Endpoints are URLs by type of service, such as "image", that override the catalog's.
	Endpoints map[string]string

	CACert   []byte // PEM, replaces the system's authorities; nil for the system's
	Insecure bool   // don't verify the services' certificates
}

// FromGrant connects with a granted access, without sending requests. When the token has expired, it calls
// renew for another one; renew may be nil. An unusable grant is fault.Usage.
func FromGrant(g Grant, renew func(ctx context.Context) (Grant, error)) (*Cloud, error) {
	fail := func(err error) (*Cloud, error) {
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("using the access to cloud %q: %w", g.Name, err))
	}
	avail, ok := endpointTypes[g.EndpointType]
	if !ok {
		return fail(fmt.Errorf("endpoint type %q is unknown; use public, internal or admin", g.EndpointType))
	}
	var catalog tokens.ServiceCatalog
	if len(g.Catalog) > 0 {
		if err := json.Unmarshal(g.Catalog, &catalog.Entries); err != nil {
			return fail(fmt.Errorf("reading the catalog: %w", err))
		}
	}
	trust := trust{caCert: g.CACert, insecure: g.Insecure}
	config, err := trust.config()
	if err != nil {
		return fail(err)
	}
	base, err := keystoneBase(g.IdentityEndpoint)
	if err != nil {
		return fail(err)
	}
	tr := newTransport(config, trust.commonRun(config))
	pc := newProvider(base, tr)
	pc.SetToken(g.Token)
	if renew != nil {
		pc.ReauthFunc = func(ctx context.Context) error {
			next, err := renew(ctx)
			if err == nil {
				pc.SetToken(next.Token)
			}
			return err
		}
	}
	c := &Cloud{
		name: cmp.Or(g.Name, g.IdentityEndpoint), region: g.Region, avail: avail, provider: pc, transport: tr,
		catalog: &catalog, overrides: maps.Clone(g.Endpoints),
		project: g.Project, userID: g.UserID, roles: slices.Clone(g.Roles),
		trust: trust,
	}
	c.prepareTransport()
	return c, nil
}

// Grant is this access for somebody else: the token, the catalog and so on, without the credentials.
func (c *Cloud) Grant() (Grant, error) {
	catalog, err := json.Marshal(c.catalog.Entries)
	if err != nil {
		return Grant{}, fmt.Errorf("writing the catalog of cloud %q: %w", c.name, err)
	}
	g := Grant{
		Name: c.name, IdentityEndpoint: c.provider.IdentityBase, Token: c.provider.Token(),
		Project: c.project, UserID: c.userID, Roles: slices.Clone(c.roles),
		Region: c.region, EndpointType: string(c.avail), Catalog: catalog, Endpoints: c.ownEndpoints(),
		CACert: c.trust.caCert, Insecure: c.trust.insecure,
	}
	if t, ok := c.provider.GetAuthResult().(interface{ ExtractToken() (*tokens.Token, error) }); ok {
		if token, err := t.ExtractToken(); err == nil {
			g.ExpiresAt = token.ExpiresAt
		}
	}
	return g, nil
}

// ownEndpoints are the addresses that override the catalog's: those that were given, and those of services
// with settings of their own in the entry.
func (c *Cloud) ownEndpoints() map[string]string {
	all := maps.Clone(c.overrides)
	if all == nil {
		all = map[string]string{}
	}
	for _, s := range services {
		address, err := c.endpoint(s)
		if _, special := c.services[s.name]; err == nil && (special || c.allowHTTP) {
			all[s.types[0]] = address
		}
	}
	return all
}
