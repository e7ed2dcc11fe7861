// Package bridge connects the SDK, which doesn't know OpenStack, to the subjects, which don't know
// plugins. It turns the host's access into a cloud, a subject's messages into the plugin's output, and
// its errors into problems, which imgctl maps to exit codes.
package bridge

import (
	"cmp"
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// Cloud is the user's cloud of that name, the one of --os-cloud for "". Its token is renewed by
// the host when it has expired.
func Cloud(ctx context.Context, in *sdk.Input, name string) (*cloud.Cloud, error) {
	return connect(ctx, in.Cloud(name))
}

func connect(ctx context.Context, host *sdk.Cloud) (*cloud.Cloud, error) {
	access, err := host.Access(ctx)
	if err != nil {
		return nil, fromHost(err)
	}
	return cloud.FromGrant(grant(access, host.Name()), func(ctx context.Context) (cloud.Grant, error) {
		// One renewal at a time: the provider client sees to that.
		next, err := host.Renew(ctx, access)
		if err != nil {
			return cloud.Grant{}, fromHost(err)
		}
		access = next
		return grant(access, host.Name()), nil
	})
}

// Images is Cloud with a client of its Image service.
func Images(ctx context.Context, in *sdk.Input, name string) (*cloud.Cloud, *glance.Client, error) {
	c, err := Cloud(ctx, in, name)
	if err != nil {
		return nil, nil, err
	}
	sc, err := c.Image()
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	return c, glance.New(sc), nil
}

func grant(a *sdk.Access, name string) cloud.Grant {
	return cloud.Grant{
		Name: cmp.Or(a.Name, name), IdentityEndpoint: a.AuthURL, Token: a.Token.Reveal(), ExpiresAt: a.ExpiresAt,
		Project: cloud.Project{ID: a.Project.ID, Name: a.Project.Name, DomainID: a.Project.DomainID},
		UserID:  a.UserID, Roles: a.Roles, Region: a.Region, EndpointType: a.Interface, Catalog: a.Catalog,
		Endpoints: a.EndpointOverrides, CACert: a.CACertificates, Insecure: a.Insecure,
	}
}

// fromHost gives an error of the host the kind that subjects understand.
func fromHost(err error) error {
	p, ok := errors.AsType[*sdk.Problem](err)
	if !ok {
		return cloud.Classify(err)
	}
	for kind, of := range kinds {
		if of == p.Kind {
			return fault.Wrap(kind, p.Hint, err)
		}
	}
	return fault.Wrap(fault.Internal, p.Hint, err)
}
