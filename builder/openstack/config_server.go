//go:generate packer-sdc struct-markdown

package openstack

import (
	"os"
	"path"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/template/config"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// The server that is booted, provisioned and captured.
type ServerConfig struct {
	// The id or the name of the server's flavor.
	Flavor string `mapstructure:"flavor" required:"true"`
	// The availability zone of the server. Default: the cloud chooses.
	AvailabilityZone string `mapstructure:"availability_zone" required:"false"`
	// The name of the server. Default: `image_name`.
	InstanceName string `mapstructure:"instance_name" required:"false"`
	// A description of the server.
	InstanceDescription string `mapstructure:"instance_description" required:"false"`
	// Metadata of the server; keys and values of at most 255 bytes.
	InstanceMetadata map[string]string `mapstructure:"instance_metadata" required:"false"`
	// Tags of the server.
	InstanceTags []string `mapstructure:"instance_tags" required:"false"`
	// Hints for the cloud's scheduler, such as `group` with the id of a server group.
	SchedulerHints map[string]string `mapstructure:"scheduler_hints" required:"false"`
	// User data for the server's first boot. The build doesn't wait until it has been processed; use
	// a provisioner for that.
	UserData string `mapstructure:"user_data" required:"false"`
	// A file with the user data, instead of `user_data`.
	UserDataFile string `mapstructure:"user_data_file" required:"false"`
	// Whether the server gets a config drive. Default: the cloud decides.
	ConfigDrive config.Trilean `mapstructure:"config_drive" required:"false"`
	// The names or ids of the server's security groups.
	SecurityGroups []string `mapstructure:"security_groups" required:"false"`
	// Delete the server at once, even if the cloud keeps deleted servers for a while so that they can
	// be restored.
	ForceDelete bool `mapstructure:"force_delete" required:"false"`
	// A command that shuts the server down from inside, such as `sudo shutdown -P now`. Use it for
	// guests that ignore the power button; otherwise the build waits until the cloud cuts the power.
	ShutdownCommand string `mapstructure:"shutdown_command" required:"false"`
	// Capture the image without stopping the server. The provisioners must leave the disk in a
	// bootable state.
	LiveSnapshot bool `mapstructure:"live_snapshot" required:"false"`
	// Accepted for old templates but ignored.
	OpenstackProvider string `mapstructure:"openstack_provider" undocumented:"true"`
}

func (c *ServerConfig) prepare(imageName string) []error {
	var errs []error
	bad := func(hint, format string, args ...any) {
		errs = append(errs, fault.New(fault.Usage, hint, format, args...))
	}
	if c.Flavor == "" {
		bad("give the id or the name of a flavor", "flavor: it is missing")
	}
	if strings.Contains(c.Flavor, "://") {
		c.Flavor = path.Base(c.Flavor)
	}
	if c.InstanceName == "" {
		c.InstanceName = imageName
	}
	for key, value := range c.InstanceMetadata {
		if len(key) > 255 || len(value) > 255 {
			bad("use at most 255 bytes for key and value", "instance_metadata: %q is too long", key)
		}
		if key == cloud.RunKey || key == cloud.DeadlineKey {
			bad("leave it out", "instance_metadata: %q belongs to imgctl", key)
		}
	}
	if c.UserData != "" && c.UserDataFile != "" {
		bad("keep one of them", "user_data, user_data_file: only one can be set")
	}
	if c.UserDataFile != "" && c.UserDataFile != cloud.Unknown {
		if _, err := os.Stat(c.UserDataFile); err != nil {
			bad("name a file that can be read", "user_data_file: %w", err)
		}
	}
	return errs
}

func (c *Config) shutdownCheck() []error {
	switch {
	case c.LiveSnapshot && c.ShutdownCommand != "":
		return []error{fault.New(fault.Usage, "keep one of them", "live_snapshot, shutdown_command: the server is either stopped or not")}
	case c.LiveSnapshot && c.UseBlockStorageVolume:
		return []error{fault.New(fault.Usage, "leave it out", "live_snapshot: a volume is captured after its server is gone")}
	case c.ShutdownCommand != "" && c.Comm.Type == "none":
		return []error{fault.New(fault.Usage, "leave it out", `shutdown_command: it can't be run with communicator = "none"`)}
	}
	return nil
}
