package openstack

import (
	"maps"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// target is an address of the server.
type target struct {
	addr     string
	pool     string // the name of its network
	six      bool
	floating bool
}

func (t target) is(version string) bool {
	return version == "" || t.six == (version == "6")
}

// targets are the server's addresses, network by network: first those that the template names, in
// its order, then the others by name. On one network a floating IP comes first, then IPv4.
func targets(s *servers.Server, order []string) (all []target) {
	pools := slices.Concat(order, slices.Sorted(maps.Keys(s.Addresses)))
	for n, pool := range pools {
		if slices.Contains(pools[:n], pool) {
			continue
		}
		var here []target
		list, _ := s.Addresses[pool].([]any)
		for _, item := range list {
			a, _ := item.(map[string]any)
			addr, _ := a["addr"].(string)
			if addr != "" {
				here = append(here, target{addr, pool, isSix(a["version"]), a["OS-EXT-IPS:type"] == "floating"})
			}
		}
		slices.SortStableFunc(here, func(a, b target) int { return rank(a) - rank(b) })
		all = append(all, here...)
	}
	return all
}

func rank(t target) int {
	switch {
	case t.floating:
		return 0
	case t.six:
		return 2
	}
	return 1
}

func isSix(version any) bool {
	switch v := version.(type) {
	case float64:
		return v == 6
	case interface{ String() string }:
		return v.String() == "6"
	}
	return false
}

// address chooses where to connect to: the fixed address on the network that ssh_interface names,
// otherwise the floating IP, otherwise the server's own address according to Nova, otherwise the first
// address. It is "" if there is none of the wanted version yet. The result is always the same for the
// same server.
func (b *build) address() string {
	c := &b.config.NetworkConfig
	all := targets(b.server, b.networkNames())
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
		if t.is(c.SSHIPVersion) {
			return t.addr
		}
	}
	return ""
}

// fixed is the address of the version on the network: a fixed one, otherwise a floating one.
func fixed(all []target, version, pool string) (found string) {
	for _, t := range all {
		if !t.is(version) || t.pool != pool {
			continue
		}
		if !t.floating {
			return t.addr
		}
		found = t.addr
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
