//go:generate packer-sdc struct-markdown

package openstack

import (
	"net/netip"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// How the server is connected, and which of its addresses the build uses.
type NetworkConfig struct {
	// The ids or names of the networks that the server is attached to.
	Networks []string `mapstructure:"networks" required:"false"`
	// The ids or names of existing ports that the server gets.
	Ports []string `mapstructure:"ports" required:"false"`
	// Ranges of addresses: the server is attached to the first network with a subnet inside of
	// one of them. Only without `networks` and `ports`.
	NetworkDiscoveryCIDRs []string `mapstructure:"network_discovery_cidrs" required:"false"`
	// The id or name of the external network from which the server gets a floating IP for the
	// time of the build.
	FloatingIPNetwork string `mapstructure:"floating_ip_network" required:"false"`
	// Deprecated: use `floating_ip_network`.
	FloatingIPPool string `mapstructure:"floating_ip_pool" required:"false"`
	// The id or the address of an existing floating IP that the server gets.
	FloatingIP string `mapstructure:"floating_ip" required:"false"`
	// Where the server has several networks: the id or name of the one that the floating IP
	// belongs to. Default: the first.
	InstanceFloatingIPNet string `mapstructure:"instance_floating_ip_net" required:"false"`
	// Use a floating IP of the project that is free, of `floating_ip_network` where that is set.
	// It is claimed in a way that two builds don't take the same, and given back at the end.
	// Where none is free, one is made if `floating_ip_network` is set.
	ReuseIPs bool `mapstructure:"reuse_ips" required:"false"`
	// Accepted for old templates, without effect: use `floating_ip_network`.
	UseFloatingIP bool `mapstructure:"use_floating_ip" undocumented:"true"`
	// The name of the network whose address the build connects to. Default: the floating IP,
	// else the first address.
	SSHInterface string `mapstructure:"ssh_interface" required:"false"`
	// The IP version of the address that the build connects to: `4` or `6`.
	SSHIPVersion string `mapstructure:"ssh_ip_version" required:"false"`
	// Wait until RackConnect has given the server its address.
	RackconnectWait bool `mapstructure:"rackconnect_wait" required:"false"`
}

func (c *NetworkConfig) prepare() []error {
	var errs []error
	bad := func(hint, format string, args ...any) {
		errs = append(errs, fault.New(fault.Usage, hint, format, args...))
	}
	if c.FloatingIPNetwork == "" {
		c.FloatingIPNetwork = c.FloatingIPPool
	}
	if c.FloatingIP != "" && c.ReuseIPs {
		bad("leave one of them", "floating_ip, reuse_ips: only one can say which floating IP to use")
	}
	for _, cidr := range c.NetworkDiscoveryCIDRs {
		if _, err := netip.ParsePrefix(cidr); err != nil && cidr != cloud.Unknown {
			bad("use ranges such as 10.0.0.0/8", "network_discovery_cidrs: %w", err)
		}
	}
	switch c.SSHIPVersion {
	case "", "4", "6", cloud.Unknown:
	default:
		bad("use 4 or 6", "ssh_ip_version: %q is unknown", c.SSHIPVersion)
	}
	return errs
}

// floating reports whether the server needs a floating IP.
func (c *NetworkConfig) floating() bool {
	return c.FloatingIP != "" || c.ReuseIPs || c.FloatingIPNetwork != ""
}
