// Package inside lets the services' own tests reach into a sandbox that they started through its
// public API.
package inside

import (
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/ironic"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/nova"
)

// Services are the services of one sandbox.
type Services struct {
	Clock    *front.Clock
	Identity *keystone.Service
	Image    *glance.Service
	Network  *neutron.Service
	Volume   *cinder.Service
	Compute  *nova.Service

	Baremetal *ironic.Service
}

// Of returns the services of a *sandbox.Cloud; package sandbox sets it.
var Of func(cloud any) *Services
