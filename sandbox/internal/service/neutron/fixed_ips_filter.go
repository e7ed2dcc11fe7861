package neutron

import (
	"slices"
	"strings"
)

// fixedIPs compare with filters such as ip_address=10.0.0.5.
type fixedIPs []FixedIP

// Matches reports whether one of the addresses is as the filter says.
func (ips fixedIPs) Matches(filter string) bool {
	key, value, _ := strings.Cut(filter, "=")
	return slices.ContainsFunc(ips, func(f FixedIP) bool {
		switch key {
		case "ip_address":
			return f.IPAddress == value
		case "subnet_id":
			return f.SubnetID == value
		case "ip_address_substr":
			return strings.Contains(f.IPAddress, value)
		}
		return false
	})
}
