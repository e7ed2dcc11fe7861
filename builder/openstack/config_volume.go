//go:generate packer-sdc struct-markdown

package openstack

import (
	"cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Booting from a volume: the image is then made from the volume.
type VolumeConfig struct {
	// Boot the server from a volume of the Block Storage service, which is deleted at the end.
	UseBlockStorageVolume bool `mapstructure:"use_blockstorage_volume" required:"false"`
	// The name of the volume. Default: a name that contains the run id.
	VolumeName string `mapstructure:"volume_name" required:"false"`
	// The type of the volume. Default: the cloud's.
	VolumeType string `mapstructure:"volume_type" required:"false"`
	// The size of the volume in GiB. Default: the source image's `min_disk`, or the size of its data
	// if that is larger.
	VolumeSize int `mapstructure:"volume_size" required:"false"`
	// The availability zone of the volume. Default: `availability_zone`.
	VolumeAvailabilityZone string `mapstructure:"volume_availability_zone" required:"false"`
}

func (c *VolumeConfig) prepare(f *findings, zone string, run cloud.Run) {
	if !c.UseBlockStorageVolume {
		return
	}
	c.VolumeAvailabilityZone = cmp.Or(c.VolumeAvailabilityZone, zone)
	c.VolumeName = cmp.Or(c.VolumeName, staging(run))
	f.natural("volume_size", "GiB", c.VolumeSize)
	f.short("volume_name", c.VolumeName, longestName)
}

// staging is the name of objects without a name of their own, and of the image until it is published.
func staging(run cloud.Run) string { return run.Name() }
