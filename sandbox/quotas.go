package sandbox

import "github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"

// ZeroQuota is a quota of 0, of servers, networks and volumes, as 0 itself stands for the service's default.
const ZeroQuota = front.Zero

// ImageQuotas are Glance's limits; 0 = Glance's default, below 0 = none.
type ImageQuotas struct {
	Members    int   // per image; default 128
	Properties int   // per image; default 128
	Tags       int   // per image; default 128
	SizeTotal  int64 // bytes of all images of a project, which an upload may not exceed; default none
	Size       int64 // bytes of one image; default none

	// Limits of a project that Keystone keeps for Glance. An upload is refused when the project is over
	// MiBTotal already; it may itself go over it.
	CountTotal int // images; default none
	MiBTotal   int // MiB of all images, rounded down; default none

	Page    int // images of a page unless the request sets it; default 25
	MaxPage int // most images of a page; default 1000
}

// NetworkQuotas are Neutron's limits per project; 0 = Neutron's default, below 0 = none.
type NetworkQuotas struct {
	Networks, Ports, FloatingIPs, SecurityGroups int

	MaxPage int // most objects of a page; default none
}

// VolumeQuotas are Cinder's limits per project; 0 = Cinder's default, below 0 = none.
type VolumeQuotas struct {
	Volumes   int // default 10
	Gigabytes int // default 1000
	Snapshots int // default 10
	Backups   int // default 10

	MaxPage int // most objects of a page; default 1000
}

// ServerQuotas are Nova's limits per project; 0 = Nova's default, below 0 = none.
type ServerQuotas struct {
	Instances     int // default 10
	Cores         int // default 20
	RAM           int // MiB; default 51200
	KeyPairs      int // per user; default 100
	MetadataItems int // per server; default 128

	MaxPage int // most objects of a page; default 1000
}
