package neutron

import (
	"net/http"
	"net/netip"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func plus(a netip.Addr, n uint32) netip.Addr {
	b := a.AsSlice()
	for k := len(b) - 1; k >= 0 && n > 0; k-- {
		n += uint32(b[k])
		b[k] = byte(n)
		n >>= 8
	}
	out, _ := netip.AddrFromSlice(b)
	return out
}

// take gives out an address of a subnet. The caller holds the lock.
func (s *Service) take(sub *Subnet) (netip.Addr, error) {
	start := sub.next
	for a := start; ; {
		next := a.Next()
		if !a.Less(sub.last) {
			next = sub.first
		}
		if !s.used[a] && s.free(a.String()) {
			s.used[a] = true
			sub.next = next
			return a, nil
		}
		if a = next; a == start {
			return a, answer.FailKind(http.StatusConflict, "IpAddressGenerationFailure",
				"No more IP addresses available on network %s.", sub.NetworkID)
		}
	}
}

func (s *Service) give(address string) {
	if a, err := netip.ParseAddr(address); err == nil {
		delete(s.used, a)
	}
}

// fix turns the wish for an address (any of a subnet, or a certain one) into one that is taken.
func (s *Service) fix(n *Network, want FixedIP) (FixedIP, error) {
	var sub *Subnet
	if want.IPAddress == "" {
		if sub = s.subnets[want.SubnetID]; sub == nil || sub.NetworkID != n.ID {
			return FixedIP{}, answer.Fail(http.StatusBadRequest,
				"Invalid input for operation: Failed to create port on network %s, because fixed_ips included invalid subnet %s.", n.ID,
				want.SubnetID)
		}
		a, err := s.take(sub)
		return FixedIP{sub.ID, a.String()}, err
	}
	a, err := netip.ParseAddr(want.IPAddress)
	if err != nil {
		return FixedIP{}, malformed("Invalid input for fixed_ips. Reason: '%s' is not a valid IP address.", want.IPAddress)
	}
	for _, id := range n.Subnets {
		if c := s.subnets[id]; c != nil && c.CIDR.Contains(a) && (want.SubnetID == "" || want.SubnetID == id) {
			sub = c
		}
	}
	if sub == nil {
		return FixedIP{}, answer.FailKind(http.StatusBadRequest, "InvalidIpForNetwork",
			"IP address %s is not a valid IP for any of the subnets on the specified network.", want.IPAddress)
	}
	if s.used[a] {
		return FixedIP{}, answer.FailKind(http.StatusConflict, "IpAddressAlreadyAllocated", "IP address %s already allocated in subnet %s",
			a, sub.ID)
	}
	s.used[a] = true
	return FixedIP{sub.ID, a.String()}, nil
}

func (s *Service) giveAll(fixed []FixedIP) {
	for _, f := range fixed {
		s.give(f.IPAddress)
	}
}
