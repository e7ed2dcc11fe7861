//go:generate packer-sdc mapstructure-to-hcl2 -type Block
//go:generate packer-sdc struct-markdown

// Package boottest is the block boot_test of Packer's components.
package boottest

import (
	"context"
	"fmt"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Block is a boot test: a server is booted from the image, and removed when it has shown that it works. At least
// one of `ssh_username`, `console`, `ports` and `cloud_init` is required, except in the builder, which logs in as
// `ssh_username` of its source. An image that fails isn't published or promoted; it gets the property
// `imgctl_boot_test` = `failed`, and the reason in `imgctl_boot_test_reason`.
type Block struct {
	// The server's flavor, by name or id. Required, except in the builder, where it defaults to `flavor`.
	Flavor string `mapstructure:"flavor"`

	// The server's networks, by name or id. Defaults to the one that Nova chooses; in the builder, to
	// `networks`.
	Networks []string `mapstructure:"networks"`

	// The server's security groups, by name or id. Defaults to a temporary one that lets the tested ports in.
	SecurityGroups []string `mapstructure:"security_groups"`

	// The external network of a floating IP to connect to, by name or id. Defaults to none; in the builder,
	// to `floating_ip_network`.
	FloatingIPNetwork string `mapstructure:"floating_ip_network"`

	// The server's availability zone. Defaults to the cloud's choice.
	AvailabilityZone string `mapstructure:"availability_zone"`

	// The server's user data. Defaults to none.
	UserData string `mapstructure:"user_data"`

	// Whether the server gets a config drive. Defaults to `false`.
	ConfigDrive bool `mapstructure:"config_drive"`

	// The server has to let this user in over SSH, with a key that exists for the test only.
	SSHUsername string `mapstructure:"ssh_username"`

	// The port of the server's SSH. Defaults to 22; in the builder, to `ssh_port`.
	SSHPort int `mapstructure:"ssh_port"`

	// Commands that have to exit with 0, in order, over SSH.
	SSHCommands []string `mapstructure:"ssh_commands"`

	// A regular expression that a line of the console log has to match.
	Console string `mapstructure:"console"`

	// TCP ports that have to accept connections.
	Ports []int `mapstructure:"ports"`

	// Whether cloud-init has to end, without an error. Defaults to `false`.
	CloudInit bool `mapstructure:"cloud_init"`

	// How long the server may take to boot and to show all of this. Defaults to `10m`.
	Timeout time.Duration `mapstructure:"timeout"`
}

// Options are the subject's.
func (b *Block) Options() boottest.Options {
	return boottest.Options{
		Flavor: b.Flavor, Networks: b.Networks, SecurityGroups: b.SecurityGroups, FloatingIPNetwork: b.FloatingIPNetwork,
		AvailabilityZone: b.AvailabilityZone, UserData: b.UserData, ConfigDrive: b.ConfigDrive, SSHUser: b.SSHUsername,
		SSHPort: b.SSHPort, SSHCommands: b.SSHCommands, Console: b.Console, Ports: b.Ports, CloudInit: b.CloudInit, Timeout: b.Timeout,
	}
}

// Longest is how long the test takes at most, with removing what it made; 0 for a test that isn't asked for.
func (b *Block) Longest() time.Duration {
	if b == nil {
		return 0
	}
	return b.Options().Longest()
}

// unknown is what Packer passes for a value that is known only during the build.
const unknown = "<unknown>"

// Validate checks the block offline; a nil block is a test that isn't asked for.
func (b *Block) Validate() []error {
	if b == nil {
		return nil
	}
	o := b.Options()
	if o.Console == unknown {
		o.Console = "."
	}
	var errs []error
	for _, err := range o.Validate() {
		errs = append(errs, fmt.Errorf("boot_test: %w", err))
	}
	return errs
}

// Test runs the test of an image in a cloud.
func (b *Block) Test(ctx context.Context, c *cloud.Cloud, image string, rep report.Reporter) error {
	site, err := boottest.NewSite(c, cloud.NewRun())
	if err != nil {
		return err
	}
	o := b.Options()
	o.Image = image
	return boottest.Test(ctx, site, o, rep)
}
