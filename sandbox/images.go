package sandbox

import (
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/nova"
)

// ImageSpec is what an image is made from; ImageRecord is one as the service keeps it.
type (
	ImageSpec   = glance.Spec
	ImageRecord = glance.Image
)

// Limits of the services; the zero values are the real services' defaults.
type (
	ImageQuotas   = glance.Quotas
	NetworkQuotas = neutron.Quotas
	VolumeQuotas  = cinder.Quotas
	ServerQuotas  = nova.Quotas
)

// Visibilities of images.
const (
	Private   = glance.Private
	Shared    = glance.Shared
	Community = glance.Community
	Public    = glance.Public
)

// Roles of a user in a project.
const (
	RoleAdmin  = keystone.RoleAdmin
	RoleMember = keystone.RoleMember
	RoleReader = keystone.RoleReader
)
