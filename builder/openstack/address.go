package openstack

import (
	"maps"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// address chooses where to connect to: the network that the template names, the floating IP, the
// address that Nova gives as the server's own, and else the first of the wanted version. "" where
// there is none yet. The same server always has the same answer.
func (b *build) address() string {
	c := &b.config.NetworkConfig
	if c.SSHInterface != "" {
		return poolAddress(b.server, c.SSHInterface, c.SSHIPVersion)
	}
	if b.floating != nil && c.SSHIPVersion != "6" {
		return b.floating.FloatingIP
	}
	if b.server.AccessIPv4 != "" && c.SSHIPVersion != "6" {
		return b.server.AccessIPv4
	}
	if b.server.AccessIPv6 != "" && c.SSHIPVersion == "6" {
		return b.server.AccessIPv6
	}
	for _, pool := range slices.Sorted(maps.Keys(b.server.Addresses)) {
		if a := poolAddress(b.server, pool, c.SSHIPVersion); a != "" {
			return a
		}
	}
	return ""
}

// poolAddress is the server's address on one network: a floating one first, then IPv4 before
// IPv6 unless the version is given.
func poolAddress(s *servers.Server, pool, version string) string {
	list, _ := s.Addresses[pool].([]any)
	best, rank := "", 0
	for _, item := range list {
		a, _ := item.(map[string]any)
		addr, _ := a["addr"].(string)
		six := isSix(a["version"])
		if addr == "" || version == "4" && six || version == "6" && !six {
			continue
		}
		r := 1
		if !six {
			r = 2
		}
		if a["OS-EXT-IPS:type"] == "floating" {
			r = 3
		}
		if r > rank {
			best, rank = addr, r
		}
	}
	return best
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
