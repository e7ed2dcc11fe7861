// Package clouds gives plugins access to the user's clouds. The host reads the credentials and
// asks Keystone, once for each cloud and run; a plugin gets the token and the catalog.
package clouds

import (
	"cmp"
	"context"
	"sync"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Broker gives plugins access to clouds. It is safe for concurrent use.
type Broker struct {
	options cloud.Access
	secret  func(...string)

	mu     sync.Mutex
	clouds map[string]*connection
}

type connection struct {
	once   sync.Once
	cloud  *cloud.Cloud
	err    error
	mu     sync.Mutex // of renewing
	handed string     // the token that was handed out last
}

// New makes a broker. The options are those of the default cloud; for other clouds, only those about
// verifying certificates apply. secret is called with everything that must not be shown.
func New(options cloud.Access, secret func(...string)) *Broker {
	secret(options.Secrets()...)
	return &Broker{options: options, secret: secret, clouds: map[string]*connection{}}
}

// Default is the name of the cloud that is used if none is named.
func (b *Broker) Default() string { return b.options.Cloud }

// Access is access to the cloud of that name, "" for the default one. With refresh the token that
// was handed out before is replaced.
func (b *Broker) Access(ctx context.Context, name string, refresh bool) (*pluginv1.CloudAccess, error) {
	c := b.connection(name)
	c.once.Do(func() { c.cloud, c.err = b.connect(ctx, name) })
	if c.err != nil {
		return nil, c.err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if refresh && c.handed != "" {
		if err := c.cloud.Renew(ctx, c.handed); err != nil {
			return nil, err
		}
	}
	grant, err := c.cloud.Grant()
	if err != nil {
		return nil, err
	}
	c.handed = grant.Token
	b.secret(grant.Token)
	grant.Name = cmp.Or(name, b.options.Cloud)
	return access(grant), nil
}

func (b *Broker) connection(name string) *connection {
	b.mu.Lock()
	defer b.mu.Unlock()
	if name == b.options.Cloud {
		name = "" // the default one by its name
	}
	if b.clouds[name] == nil {
		b.clouds[name] = &connection{}
	}
	return b.clouds[name]
}

func (b *Broker) connect(ctx context.Context, name string) (*cloud.Cloud, error) {
	options := b.options.ByDefault()
	if name != "" && name != b.options.Cloud {
		options = cloud.Other(name)
		options.Insecure, options.CACert = b.options.Insecure, b.options.CACert
	}
	c, err := cloud.Connect(ctx, options)
	if err != nil {
		return nil, err
	}
	b.secret(c.Secrets()...)
	return c, nil
}

// Close closes the connections.
func (b *Broker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.clouds {
		if c.cloud != nil {
			c.cloud.Close()
		}
	}
}

func access(g cloud.Grant) *pluginv1.CloudAccess {
	a := &pluginv1.CloudAccess{
		Name: g.Name, AuthUrl: g.IdentityEndpoint, Token: g.Token, UserId: g.UserID, Roles: g.Roles,
		Region: g.Region, Interface: g.EndpointType, Catalog: string(g.Catalog), CaPem: string(g.CACert),
		Insecure: g.Insecure, EndpointOverrides: g.Endpoints,
	}
	if !g.ExpiresAt.IsZero() {
		a.ExpiresAt = timestamppb.New(g.ExpiresAt)
	}
	if p := g.Project; p.ID != "" {
		a.Project = &pluginv1.Project{Id: p.ID, Name: p.Name, DomainId: p.DomainID}
	}
	return a
}
