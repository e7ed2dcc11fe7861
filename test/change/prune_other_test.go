//go:build !linux

package change_test

import "github.com/imgctl/packer-plugin-openstack/internal/change/changetest"

// onLinux are subjects whose work on a disk can only be watched on Linux.
var onLinux []changetest.Subject
