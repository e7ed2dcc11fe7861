//go:generate packer-sdc struct-markdown

package openstack

import (
	"net/netip"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// How the server is connected, and which of its addresses the build connects to.
type NetworkConfig struct {
	// The ids or names of the networks to attach the server to. Without a floating IP the build
	// connects to the address on the first of `ports` and `networks`.
	Networks []string `mapstructure:"networks" required:"false"`
	// The ids or names of existing ports to attach to the server.
	Ports []string `mapstructure:"ports" required:"false"`
	// Address ranges: the server is attached to the first network that has a subnet within one of
	// them. Ignored if `networks` or `ports` is set.
	NetworkDiscoveryCIDRs []string `mapstructure:"network_discovery_cidrs" required:"false"`
	// The id or name of the external network from which the server gets a floating IP for the
	// duration of the build.
	FloatingIPNetwork string `mapstructure:"floating_ip_network" required:"false"`
	// Deprecated: use `floating_ip_network`.
	FloatingIPPool string `mapstructure:"floating_ip_pool" required:"false"`
	// The id or address of an existing floating IP to use.
	FloatingIP string `mapstructure:"floating_ip" required:"false"`
	// If the server has several networks, the id or name of the one to attach the floating IP to.
	// Default: the first, also, with a warning, if the server isn't attached to the one named.
	InstanceFloatingIPNet string `mapstructure:"instance_floating_ip_net" required:"false"`
	// Use a free floating IP of the project; with `floating_ip_network`, one of that network. The
	// build claims it, so that two builds can't take the same one, and releases it at the end. If
	// none is free and `floating_ip_network` is set, a new one is created.
	ReuseIPs bool `mapstructure:"reuse_ips" required:"false"`
	// Accepted for old templates but ignored: use `floating_ip_network`.
	UseFloatingIP bool `mapstructure:"use_floating_ip" undocumented:"true"`
	// The name or id of the network whose address the build connects to: the fixed address, even if
	// the server has a floating IP. If the server isn't on that network, the build warns and uses the
	// floating IP. Default: the floating IP, else the first address.
	SSHInterface string `mapstructure:"ssh_interface" required:"false"`
	// The IP version of the address that the build connects to: `4` or `6`.
	SSHIPVersion string `mapstructure:"ssh_ip_version" required:"false"`
	// Wait until RackConnect has assigned the server its address.
	RackconnectWait bool `mapstructure:"rackconnect_wait" required:"false"`
}

func (c *NetworkConfig) prepare(f *findings) {
	if c.FloatingIPNetwork == "" {
		c.FloatingIPNetwork = c.FloatingIPPool
	}
	if c.FloatingIP != "" {
		c.ReuseIPs, c.FloatingIPNetwork = false, ""
	}
	if c.attached() {
		c.NetworkDiscoveryCIDRs = nil
	}
	for _, cidr := range c.NetworkDiscoveryCIDRs {
		if _, err := netip.ParsePrefix(cidr); err != nil && cidr != cloud.Unknown {
			f.bad("use ranges such as 10.0.0.0/8", "network_discovery_cidrs: %w", err)
		}
	}
	switch c.SSHIPVersion {
	case "", "4", "6", cloud.Unknown:
	default:
		f.bad("use 4 or 6", "ssh_ip_version: %q is unknown", c.SSHIPVersion)
	}
}

// attached reports whether the template says what the server is attached to.
func (c *NetworkConfig) attached() bool { return len(c.Networks) > 0 || len(c.Ports) > 0 }

// floating reports whether the server needs a floating IP.
func (c *NetworkConfig) floating() bool {
	return c.FloatingIP != "" || c.ReuseIPs || c.FloatingIPNetwork != ""
}
