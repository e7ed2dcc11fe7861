package openstack

import "github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"

// address chooses where to connect to: the fixed address on the network that ssh_interface names,
// otherwise the floating IP, otherwise the server's own address according to Nova, otherwise the first
// address. It is "" if there is none of the wanted version yet. The result is always the same for the
// same server.
func (b *build) address() string {
	c := &b.config.NetworkConfig
	all := nova.Addresses(b.server, b.networkNames())
	if c.SSHInterface != "" {
		return fixed(all, c.SSHIPVersion, b.interfaceName())
	}
	switch six := c.SSHIPVersion == "6"; {
	case b.floating != nil && !six:
		return b.floating.FloatingIP
	case b.server.AccessIPv4 != "" && !six:
		return b.server.AccessIPv4
	case b.server.AccessIPv6 != "" && six:
		return b.server.AccessIPv6
	}
	for _, t := range all {
		if t.Is(c.SSHIPVersion) {
			return t.IP
		}
	}
	return ""
}

// fixed is the address of the version on the network: a fixed one, otherwise a floating one.
func fixed(all []nova.Address, version, pool string) (found string) {
	for _, t := range all {
		if !t.Is(version) || t.Network != pool {
			continue
		}
		if !t.Floating {
			return t.IP
		}
		found = t.IP
	}
	return found
}

// fallback is where HashiCorp's plugin connects to if the template's choice doesn't exist: the floating IP
// or the server's own address.
func (b *build) fallback() string {
	if b.floating != nil {
		return b.floating.FloatingIP
	}
	return b.server.AccessIPv4
}

// networkNames are the names of the networks that the template attaches the server to.
func (b *build) networkNames() []string {
	var names []string
	for _, n := range b.attached {
		names = append(names, n.Name)
	}
	return names
}

// interfaceName is the network that ssh_interface names, by its name; the template may have its id.
func (b *build) interfaceName() string {
	for _, n := range b.attached {
		if n.ID == b.config.SSHInterface {
			return n.Name
		}
	}
	if b.sshNetwork != "" {
		return b.sshNetwork
	}
	return b.config.SSHInterface
}
