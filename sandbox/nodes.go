package sandbox

import (
	"cmp"
	"maps"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/ironic"
)

// Baremetal are Ironic's settings.
type Baremetal struct {
	CallbackTimeout time.Duration // how long a deploy ramdisk may take to call back; 0 = half an hour
	MaxPage         int           // most objects of a page; 0 = 1000
	NoRamdisk       bool          // the conductor has no deploy ramdisk for nodes that name none
}

// RamdiskKey is the property of an image that says what goes wrong when a node boots it as its deploy ramdisk:
// one of the values below. Nodes whose deploy interface is "fake" boot none.
const RamdiskKey = ironic.RamdiskKey

// What may go wrong with a deploy ramdisk.
const (
	RamdiskSilent      = ironic.Silent      // it never calls back
	RamdiskFailsDeploy = ironic.FailsDeploy // it calls back, and can't write the image
	RamdiskFailsClean  = ironic.FailsClean  // it deploys, and then fails to clean
	RamdiskSilentClean = ironic.SilentClean // it deploys, and never calls back for cleaning
)

// Node is a bare metal node.
type Node struct {
	UUID, Name      string
	Type            string // property node_type
	Arch            string // property cpu_arch
	ResourceClass   string // "" = baremetal
	BootInterface   string // "" = fake
	DeployInterface string // "" = direct, whose nodes boot their deploy ramdisk; fake ones succeed at everything
	State           string // provision state; "" = available
	Kernel, Ramdisk string // driver_info's deploy_kernel and deploy_ramdisk; "" = the conductor's default, which works
	Traits          []string
	Maintenance     bool
	NoCleaning      bool // it isn't cleaned after use
	NoPower         bool // its power state isn't known, so it can't be allocated
	Properties      map[string]any
	Extra           map[string]any
	DriverInfo      map[string]any // besides Kernel and Ramdisk; all of it where a node is read
	InstanceInfo    map[string]any // of what is deployed on it

	// What only tells a node's state.
	Target, InstanceUUID, LastError, Fault, PowerState string
}

// AddNode adds a bare metal node and returns its UUID.
func (c *Cloud) AddNode(n Node) string {
	properties, info := map[string]any{}, map[string]any{}
	maps.Copy(properties, n.Properties)
	for key, value := range map[string]string{"node_type": n.Type, "cpu_arch": n.Arch} {
		if value != "" {
			properties[key] = value
		}
	}
	maps.Copy(info, n.DriverInfo)
	for key, value := range map[string]string{"deploy_kernel": n.Kernel, "deploy_ramdisk": n.Ramdisk} {
		if value != "" {
			info[key] = value
		}
	}
	var automated *bool
	if n.NoCleaning {
		automated = new(bool)
	}
	power := "power off"
	if n.NoPower {
		power = ""
	}
	return c.services.Baremetal.AddNode(ironic.Node{
		PowerState: power, UUID: n.UUID, Name: n.Name,
		ResourceClass: cmp.Or(n.ResourceClass, "baremetal"), DeployInterface: n.DeployInterface, BootInterface: n.BootInterface,
		ProvisionState: n.State, Properties: properties, DriverInfo: info,
		InstanceInfo: maps.Clone(n.InstanceInfo), Extra: maps.Clone(n.Extra), Traits: n.Traits,
		Maintenance: n.Maintenance, AutomatedClean: automated, InstanceUUID: n.InstanceUUID,
	})
}

// Node is a bare metal node by its UUID or name; false if there is none.
func (c *Cloud) Node(ident string) (Node, bool) {
	n, ok := c.services.Baremetal.Node(ident)
	text := func(m map[string]any, key string) string {
		t, _ := m[key].(string)
		return t
	}
	return Node{
		UUID: n.UUID, Name: n.Name, Type: text(n.Properties, "node_type"), Arch: text(n.Properties, "cpu_arch"),
		ResourceClass: n.ResourceClass, BootInterface: n.BootInterface, DeployInterface: n.DeployInterface,
		State:  n.ProvisionState,
		Kernel: text(n.DriverInfo, "deploy_kernel"), Ramdisk: text(n.DriverInfo, "deploy_ramdisk"), Traits: n.Traits,
		Maintenance: n.Maintenance, NoCleaning: n.AutomatedClean != nil && !*n.AutomatedClean, Properties: n.Properties, Extra: n.Extra,
		DriverInfo: n.DriverInfo,
		Target:     n.TargetState, InstanceUUID: n.InstanceUUID, LastError: n.LastError, Fault: n.Fault, PowerState: n.PowerState,
	}, ok
}

// LockNode holds or gives back a bare metal node's lock, as a conductor does that works on the node.
func (c *Cloud) LockNode(ident string, locked bool) bool {
	return c.services.Baremetal.Change(ident, func(n *ironic.Node) {
		n.Reservation = ""
		if locked {
			n.Reservation = "another-conductor"
		}
	})
}

// SetNode puts a bare metal node into a provision state that stays, whatever it is doing.
func (c *Cloud) SetNode(ident, state string) bool {
	return c.services.Baremetal.Change(ident, func(n *ironic.Node) { n.ProvisionState, n.TargetState, n.Reservation = state, "", "" })
}

// Reservations are how many allocations of bare metal nodes there are.
func (c *Cloud) Reservations() int { return len(c.services.Baremetal.Allocations()) }

// Occupy gives a bare metal node an instance that is active, as another user's.
func (c *Cloud) Occupy(ident, instance string) bool {
	return c.services.Baremetal.Change(ident, func(n *ironic.Node) {
		n.ProvisionState, n.TargetState, n.Reservation, n.InstanceUUID = "active", "", "", instance
	})
}

// Transit puts a bare metal node into a provision state on its way to a target, where it stays.
func (c *Cloud) Transit(ident, state, target string) bool {
	return c.services.Baremetal.Change(ident, func(n *ironic.Node) { n.ProvisionState, n.TargetState = state, target })
}

// ServerCount is how many servers there are.
func (c *Cloud) ServerCount() int { return len(c.services.Compute.Servers()) }
