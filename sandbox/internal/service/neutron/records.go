// Package neutron is the sandbox's network service: networks, subnets, ports, security groups,
// routers and floating IPs. Addresses are loopback ones, so that a server is reachable from the
// machine that the sandbox runs on and from nowhere else.
package neutron

import (
	"net/netip"
	"slices"
	"time"
)

// Network is a network.
type Network struct {
	ID, Name, ProjectID, Description string
	Shared, External, AdminStateUp   bool
	Subnets                          []string
	Tags                             []string
	CreatedAt                        time.Time
}

// Subnet is a subnet of a network.
type Subnet struct {
	ID, Name, NetworkID, ProjectID, Description string
	CIDR                                        netip.Prefix
	Gateway                                     netip.Addr
	DHCP                                        bool
	DNS                                         []string
	Tags                                        []string
	CreatedAt                                   time.Time

	first, last, next netip.Addr // the pool, and where the search for a free address goes on
}

// FixedIP is an address of a port.
type FixedIP struct {
	SubnetID  string `json:"subnet_id"`
	IPAddress string `json:"ip_address"`
}

// Port is a port; DeviceID is the id of the server that it belongs to.
type Port struct {
	ID, Name, NetworkID, ProjectID, Description string
	DeviceID, DeviceOwner, MAC, Status          string
	AdminStateUp                                bool
	FixedIPs                                    []FixedIP
	SecurityGroups                              []string // ids
	Tags                                        []string
	ForServer                                   bool // made by AllocatePort, and so deleted with its server
	CreatedAt                                   time.Time
}

func (p *Port) clone() Port {
	c := *p
	c.FixedIPs, c.SecurityGroups, c.Tags = slices.Clone(p.FixedIPs), slices.Clone(p.SecurityGroups), slices.Clone(p.Tags)
	return c
}

// FloatingIP is a floating IP; PortID is empty while it is not associated.
type FloatingIP struct {
	ID, ProjectID, NetworkID, Description string
	Address, FixedAddress, PortID         string
	Tags                                  []string
	CreatedAt                             time.Time
}

// SecurityGroup is a named set of rules.
type SecurityGroup struct {
	ID, Name, ProjectID, Description string
	Rules                            []Rule
	Tags                             []string
	CreatedAt                        time.Time
}

// Rule is a rule of a security group. Ports are 0 where not limited.
type Rule struct {
	ID, GroupID, ProjectID, Description string
	Direction, EtherType, Protocol      string
	PortMin, PortMax                    int
	RemotePrefix, RemoteGroup           string
	CreatedAt                           time.Time
}

// Router is a router, with just enough behind it for its API.
type Router struct {
	ID, Name, ProjectID, Description string
	AdminStateUp                     bool
	ExternalNetwork                  string
	Tags                             []string
	CreatedAt                        time.Time
}
