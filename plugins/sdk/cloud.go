package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Cloud is one of the user's clouds. It may be used by many goroutines.
type Cloud struct {
	name string
	ask  func(ctx context.Context, name string, refresh bool) (*pluginv1.CloudAccess, error)

	mu   sync.Mutex
	last *Access
}

// Access is what lets a plugin talk to a cloud until the token expires. It holds no password.
type Access struct {
	// Name is the one in clouds.yaml; empty if the cloud comes from OS_* variables.
	Name string
	// AuthURL is Keystone's.
	AuthURL string
	// Token is for X-Auth-Token.
	Token     Secret
	ExpiresAt time.Time
	// Project is what the token is for; empty if it isn't for a project.
	Project Project
	UserID  string
	// Roles are the names of the user's roles in the project.
	Roles []string
	// Region is the one to use from the catalog, empty for any; Interface is public, internal or
	// admin.
	Region, Interface string
	// Catalog is the JSON array of services that Keystone calls catalog.
	Catalog json.RawMessage
	// CACertificates are PEM, empty for the system's; Insecure leaves the certificate unchecked.
	CACertificates []byte
	Insecure       bool
	// EndpointOverrides are URLs, and APIVersions versions, by service type.
	EndpointOverrides, APIVersions map[string]string
}

// Project is a project of Keystone, with its domain.
type Project struct{ ID, Name, DomainID, DomainName string }

// Name is the name in clouds.yaml as the command gave it, empty for the cloud of --os-cloud.
func (c *Cloud) Name() string { return c.name }

// Access asks the host for access, the first time it is called.
func (c *Cloud) Access(ctx context.Context) (*Access, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil {
		return c.last, nil
	}
	return c.fetch(ctx, false)
}

// Renew asks for a new token after a service refused the stale one with 401. Where another
// goroutine has already renewed it, that access is given.
func (c *Cloud) Renew(ctx context.Context, stale *Access) (*Access, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && stale != nil && c.last.Token.Reveal() != stale.Token.Reveal() {
		return c.last, nil
	}
	return c.fetch(ctx, true)
}

func (c *Cloud) fetch(ctx context.Context, refresh bool) (*Access, error) {
	wire, err := c.ask(ctx, c.name, refresh)
	if err != nil {
		if c.name == "" {
			return nil, fmt.Errorf("getting access to the cloud: %w", err)
		}
		return nil, fmt.Errorf("getting access to cloud %q: %w", c.name, err)
	}
	c.last = &Access{
		Name: wire.GetName(), AuthURL: wire.GetAuthUrl(), Token: NewSecret(wire.GetToken()), UserID: wire.GetUserId(),
		Project: Project{
			ID: wire.GetProject().GetId(), Name: wire.GetProject().GetName(),
			DomainID: wire.GetProject().GetDomainId(), DomainName: wire.GetProject().GetDomainName(),
		},
		Roles: wire.GetRoles(), Region: wire.GetRegion(), Interface: wire.GetInterface(),
		Catalog: json.RawMessage(wire.GetCatalog()), CACertificates: []byte(wire.GetCaPem()), Insecure: wire.GetInsecure(),
		EndpointOverrides: wire.GetEndpointOverrides(), APIVersions: wire.GetApiVersions(),
	}
	if wire.GetExpiresAt().IsValid() {
		c.last.ExpiresAt = wire.GetExpiresAt().AsTime()
	}
	return c.last, nil
}

// clouds are those that a command has asked for, each once.
type clouds struct {
	ask func(ctx context.Context, name string, refresh bool) (*pluginv1.CloudAccess, error)

	mu  sync.Mutex
	all map[string]*Cloud
}

func (c *clouds) named(name string) *Cloud {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]*Cloud{}
	}
	if c.all[name] == nil {
		c.all[name] = &Cloud{name: name, ask: c.ask}
	}
	return c.all[name]
}

// fromHost asks the host of a run; the purpose is the command.
func fromHost(run *session, purpose string) *clouds {
	return &clouds{ask: func(ctx context.Context, name string, refresh bool) (*pluginv1.CloudAccess, error) {
		id := run.nextID("cloud-")
		m, err := run.ask(ctx, id, &pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_CloudRequest{
			CloudRequest: &pluginv1.CloudRequest{Id: id, Name: valid(name), Purpose: purpose, Refresh: refresh},
		}})
		if err != nil {
			return nil, err
		}
		if p := m.GetCloudReply().GetProblem(); p != nil {
			return nil, failure(p)
		}
		return m.GetCloudReply().GetAccess(), nil
	}}
}

// given are the clouds that came with a request for completion, the default one first.
func given(accesses []*pluginv1.CloudAccess) *clouds {
	return &clouds{ask: func(_ context.Context, name string, refresh bool) (*pluginv1.CloudAccess, error) {
		for i, a := range accesses {
			if !refresh && (a.GetName() == name || name == "" && i == 0) {
				return a, nil
			}
		}
		return nil, Fail(Unavailable, "", "imgctl has no access to it while completing")
	}}
}
