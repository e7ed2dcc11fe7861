//go:generate packer-sdc struct-markdown

package openstack

import (
	"path"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/template/config"

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
	// The names or ids of the server's security groups: the project's own, or those that other
	// projects share with it.
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

func (c *ServerConfig) prepare(f *findings, imageName string) {
	if c.Flavor == "" {
		f.bad("give the id or the name of a flavor", "flavor: it is missing")
	}
	if strings.Contains(c.Flavor, "://") {
		c.Flavor = path.Base(c.Flavor)
	}
	f.short("instance_name", c.InstanceName, longestName)
	if c.InstanceName == "" {
		c.InstanceName = strings.TrimSpace(imageName) // Nova takes no spaces at its ends
	}
	f.short("instance_description", c.InstanceDescription, longestName)
	f.serverTags(c.InstanceTags)
	f.serverMetadata(c.InstanceMetadata)
	switch {
	case c.UserDataFile == "":
		f.userData("user_data", len(c.UserData))
	case c.UserDataFile != cloud.Unknown:
		f.userDataFile(c.UserDataFile)
	}
}

func (c *Config) checkShutdown(f *findings) {
	switch {
	case c.LiveSnapshot && c.ShutdownCommand != "":
		f.bad("keep one of them", "live_snapshot, shutdown_command: the server is either stopped or not")
	case c.LiveSnapshot && c.UseBlockStorageVolume:
		f.bad("leave it out", "live_snapshot: a volume is captured after its server is gone")
	case c.ShutdownCommand != "" && c.Comm.Type == "none":
		f.bad("leave it out", `shutdown_command: it can't be run with communicator = "none"`)
	}
}
