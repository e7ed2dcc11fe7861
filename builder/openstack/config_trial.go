//go:generate packer-sdc struct-markdown

package openstack

import (
	"slices"

	"github.com/imgctl/packer-plugin-openstack/builder/boottest"
)

// BootTestConfig is the test of the image before it is published.
type BootTestConfig struct {
	// A [boot test](#boot-test) of the captured image, before it is published: a server is booted from it and has
	// to show that it works. An image that fails isn't published; it stays hidden under the name `imgctl-` and
	// the run id, with the reason in its property `imgctl_boot_test_reason`, until `imgctl sweep` removes it
	// after its deadline.
	BootTest *boottest.Block `mapstructure:"boot_test" required:"false"`
}

// prepareBootTest fills in what the test has in common with the build.
func (c *Config) prepareBootTest(f *findings) {
	t := c.BootTest
	if t == nil {
		return
	}
	if c.SkipCreateImage {
		f.warn("boot_test: has no effect with skip_create_image: there is no image")
	}
	if t.Flavor == "" {
		t.Flavor = c.Flavor
	}
	if len(t.Networks) == 0 {
		t.Networks = slices.Clone(c.Networks)
	}
	if t.FloatingIPNetwork == "" {
		t.FloatingIPNetwork = c.FloatingIPNetwork
	}
	if t.SSHUsername == "" && (len(t.SSHCommands) > 0 || t.Console == "" && len(t.Ports) == 0 && !t.CloudInit) {
		t.SSHUsername = c.Comm.SSHUsername
	}
	if t.SSHPort == 0 {
		t.SSHPort = c.Comm.SSHPort
	}
	f.errs = append(f.errs, t.Validate()...)
}
