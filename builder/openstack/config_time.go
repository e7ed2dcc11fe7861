//go:generate packer-sdc struct-markdown

package openstack

import (
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// How long each phase of the build may take, such as `90s` or `2h`. The build polls often at first,
// then less and less.
type TimeConfig struct {
	// How long to wait for the server to become active. Default: `30m`.
	ServerTimeout time.Duration `mapstructure:"server_timeout" required:"false"`
	// How long to wait for a volume to be created. Default: `30m`.
	VolumeTimeout time.Duration `mapstructure:"volume_timeout" required:"false"`
	// How long to wait for the download of `external_source_image_url`. Default: `1h`.
	ImportTimeout time.Duration `mapstructure:"import_timeout" required:"false"`
	// How long to wait for the server to stop after `shutdown_command`, and if that fails, once more
	// for the cloud to stop it. Default: `10m`.
	StopTimeout time.Duration `mapstructure:"stop_timeout" required:"false"`
	// How long to wait for the image to be captured. Default: `2h`.
	ImageTimeout time.Duration `mapstructure:"image_timeout" required:"false"`
	// How long to spend on removing what the build has created. Default: `10m`.
	CleanupTimeout time.Duration `mapstructure:"cleanup_timeout" required:"false"`
	// How long to wait for room if a quota is exhausted, for example by other builds of the same run.
	// Default: `0`, which fails at once.
	QuotaTimeout time.Duration `mapstructure:"quota_timeout" required:"false"`
	// The longest interval between two polls. Default: `2s`.
	PollInterval time.Duration `mapstructure:"poll_interval" required:"false"`
	// Seconds to wait once the image is active. Default: 0. Old templates used this to wait for
	// states that the build now polls for.
	ImageCreationWait int `mapstructure:"image_creation_wait" required:"false"`
}

func (c *TimeConfig) prepare(f *findings) {
	for _, t := range []struct {
		option string
		value  *time.Duration
		usual  time.Duration
	}{
		{"server_timeout", &c.ServerTimeout, 30 * time.Minute},
		{"volume_timeout", &c.VolumeTimeout, 30 * time.Minute},
		{"import_timeout", &c.ImportTimeout, time.Hour},
		{"stop_timeout", &c.StopTimeout, 10 * time.Minute},
		{"image_timeout", &c.ImageTimeout, 2 * time.Hour},
		{"cleanup_timeout", &c.CleanupTimeout, 10 * time.Minute},
		{"quota_timeout", &c.QuotaTimeout, 0},
		{"poll_interval", &c.PollInterval, cloud.DefaultPace.Max},
	} {
		if *t.value < 0 {
			f.bad("use a positive time such as 90s", "%s: %s is negative", t.option, *t.value)
		}
		if *t.value == 0 {
			*t.value = t.usual
		}
	}
	if c.ImageCreationWait < 0 {
		f.warn("image_creation_wait: %d is negative, so nothing is waited for", c.ImageCreationWait)
		c.ImageCreationWait = 0
	}
}

// firstLook is how soon is looked whether something is done.
const firstLook = 150 * time.Millisecond

// pace is how often the build polls.
func (c *TimeConfig) pace() cloud.Pace {
	return cloud.Pace{First: min(firstLook, c.PollInterval), Max: c.PollInterval}
}

// deadline is the time after which the build's objects are leftovers: later than all phases together
// can take, and the boot test.
func (c *TimeConfig) deadline(connect, test time.Duration) time.Time {
	phases := c.ServerTimeout + c.VolumeTimeout + c.ImportTimeout + c.StopTimeout + c.ImageTimeout + c.CleanupTimeout
	return time.Now().Add(24*time.Hour + connect + test + phases + 4*c.QuotaTimeout)
}
