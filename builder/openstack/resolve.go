package openstack

import (
	"context"
	"net/url"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
)

// resolve finds the objects of one collection by their ids or names, in the order of refs.
func (b *build) resolve(ctx context.Context, option, collection string, refs []string, filter url.Values) ([]neutron.Named, error) {
	return neutron.Resolve(ctx, b.network, option, collection, refs, filter)
}

// find lists the objects that have one of the refs as their id or name.
func (b *build) find(ctx context.Context, option, collection string, refs []string, filter url.Values) ([]neutron.Named, error) {
	return neutron.Find(ctx, b.network, option, collection, refs, filter)
}
