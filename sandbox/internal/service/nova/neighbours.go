package nova

import (
	"context"
	"io"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
)

// Images is what servers need of the image service.
type Images interface {
	Visible(caller front.Caller, id string) (glance.Image, bool)
	Image(id string) (glance.Image, bool)
	Open(id string) (io.ReadCloser, int64, error)
	CreateQueued(caller front.Caller, spec glance.Spec) (string, error)
	Upload(id string, data io.Reader) error
	Delete(id string) error
}

// Nodes are the machines of servers whose flavor asks for bare metal.
type Nodes interface {
	// Deploy deploys an image on a free node of the resource class, as the server's; if node isn't "", on this one. It
	// returns when the node is active.
	Deploy(ctx context.Context, class, node, serverID, image string) error
	// Undeploy ends the server's instance, and returns when its node has none any more. Cleaning goes on.
	Undeploy(ctx context.Context, serverID string)
}

// Networks is what servers need to know of the network service.
type Networks interface {
	Network(caller front.Caller, id string) (neutron.Network, bool)
	Networks(caller front.Caller) []neutron.Network
	FloatingIPs(serverID string) []neutron.FloatingIP
	SecurityGroupID(caller front.Caller, nameOrID string) (string, error)
	SecurityGroup(id string) (neutron.SecurityGroup, bool)
	SetSecurityGroups(caller front.Caller, portID string, groups []string) error
	Mount() front.Service // for calls that are passed on
}

// Ports connect servers to networks.
type Ports interface {
	AllocatePort(caller front.Caller, networkID, serverID, address string) (neutron.Port, error)
	BindPort(portID, serverID string) error
	ReleasePort(portID string)
	Port(id string) (neutron.Port, bool)
	PortsOf(serverID string) []neutron.Port
	ReleasePorts(serverID string)
}

// Volumes is what servers need of the block storage service.
type Volumes interface {
	Create(caller front.Caller, spec cinder.Spec) (cinder.Volume, error)
	Visible(caller front.Caller, id string) (cinder.Volume, bool)
	Snapshot(caller front.Caller, id string) (cinder.Snapshot, bool)
	Reserve(id string) error
	Attach(id, serverID, device string) error
	Detach(id, serverID string)
	Content
}

// Content is what a volume holds, and its end.
type Content interface {
	Volume(id string) (cinder.Volume, bool)
	Open(id string) (io.ReadCloser, int64, error)
	Save(id string, data io.Reader) error
	Delete(id string) error
}
