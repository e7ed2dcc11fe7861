//go:generate packer-sdc struct-markdown

package image

import (
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// DatasourceOutput is what the data source returns to the template.
type DatasourceOutput struct {
	// The image's id.
	ID string `mapstructure:"id"`
	// The image's name.
	Name string `mapstructure:"name"`
	// The id of the project that owns the image.
	Owner string `mapstructure:"owner"`
	// `private`, `shared`, `community` or `public`.
	Visibility string `mapstructure:"visibility"`
	// The MD5 digest of the image's data, in hexadecimal; empty if the cloud has none.
	Checksum string `mapstructure:"checksum"`
	// The algorithm of `os_hash`, such as `sha512`.
	HashAlgo string `mapstructure:"os_hash_algo"`
	// The secure digest of the image's data, in hexadecimal; empty if the cloud has none.
	Hash string `mapstructure:"os_hash"`
	// The size of the image's data in bytes.
	Size int64 `mapstructure:"size"`
	// The format of the image's data, such as `qcow2`.
	DiskFormat string `mapstructure:"disk_format"`
	// The minimum disk, in GiB, of a server that boots the image.
	MinDisk int `mapstructure:"min_disk"`
	// The minimum memory, in MiB, of a server that boots the image.
	MinRAM int `mapstructure:"min_ram"`
	// The image's tags.
	Tags []string `mapstructure:"tags"`
	// The image's additional properties.
	Properties map[string]string `mapstructure:"properties"`
	// When the image was created, in RFC 3339 format, UTC.
	CreatedAt string `mapstructure:"created_at"`
}

func output(i *glance.Image) DatasourceOutput {
	return DatasourceOutput{
		ID: i.ID, Name: i.Name, Owner: i.Owner, Visibility: i.Visibility,
		Checksum: i.Checksum, HashAlgo: i.HashAlgo, Hash: i.HashValue, Size: i.Size, DiskFormat: i.DiskFormat,
		MinDisk: i.MinDisk, MinRAM: i.MinRAM,
		Tags: i.Tags, Properties: i.Properties,
		CreatedAt: i.CreatedAt.UTC().Format(time.RFC3339),
	}
}
