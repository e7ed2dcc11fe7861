package nova

import (
	"maps"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// Address is an address of a server.
type Address struct {
	IP       string
	Network  string // the name of its network
	Six      bool   // it is of version 6
	Floating bool
}

// Is reports whether the address is of the version, 4 or 6; "" means either.
func (a Address) Is(version string) bool { return version == "" || a.Six == (version == "6") }

// Addresses are a server's addresses, network by network: first those of the networks in order, then the others
// by name. On one network a floating IP comes first, then IPv4.
func Addresses(s *servers.Server, order []string) (all []Address) {
	networks := slices.Concat(order, slices.Sorted(maps.Keys(s.Addresses)))
	for n, network := range networks {
		if slices.Contains(networks[:n], network) {
			continue
		}
		var here []Address
		list, _ := s.Addresses[network].([]any)
		for _, item := range list {
			a, _ := item.(map[string]any)
			addr, _ := a["addr"].(string)
			if addr != "" {
				here = append(here, Address{addr, network, isSix(a["version"]), a["OS-EXT-IPS:type"] == "floating"})
			}
		}
		slices.SortStableFunc(here, func(a, b Address) int { return a.rank() - b.rank() })
		all = append(all, here...)
	}
	return all
}

func (a Address) rank() int {
	switch {
	case a.Floating:
		return 0
	case a.Six:
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
