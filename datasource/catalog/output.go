//go:generate packer-sdc struct-markdown

package catalog

import "github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"

// DatasourceOutput is what the data source returns to the template.
type DatasourceOutput struct {
	// The image's name.
	Name string `mapstructure:"name"`
	// The image's key in the template map.
	Key string `mapstructure:"key"`
	// The id of the source image; empty without `source_images`.
	SourceImage string `mapstructure:"source_image"`
	// The templates to build the image with; empty without `template_map`.
	Templates []string `mapstructure:"templates"`
	// The metadata to set on a server that is to become such a host: `AQ_PERSONALITY`, `AQ_OS` and
	// `AQ_OSVERSION` (version and architecture) and, if the profile has them, `AQ_ARCHETYPE` and
	// `AQ_DOMAIN` or `AQ_SANDBOX`.
	Metadata map[string]string `mapstructure:"metadata"`
	// The personality.
	Personality string `mapstructure:"personality"`
	// The archetype; empty if the profile has none.
	Archetype string `mapstructure:"archetype"`
	// The operating system, such as `sl`.
	OS string `mapstructure:"os"`
	// The operating system's version, such as `7x`.
	OSVersion string `mapstructure:"os_version"`
	// The architecture, such as `x86_64`.
	Arch string `mapstructure:"architecture"`
	// The host name; empty if the profile has none.
	Hostname string `mapstructure:"hostname"`
	// The SHA-256 digest, in hexadecimal, of the profile's content, whatever its formatting. If it is
	// the same as at the last build, nothing has changed.
	Digest string `mapstructure:"digest"`
}

func output(p *profile.Profile, r *profile.Recipe) DatasourceOutput {
	return DatasourceOutput{
		Name: r.Name, Key: r.Key, SourceImage: r.SourceImage, Templates: r.Templates, Metadata: r.Metadata,
		Personality: p.Personality, Archetype: p.Archetype, OS: p.OS, OSVersion: p.OSVersion, Arch: p.Arch,
		Hostname: p.Hostname, Digest: p.Digest,
	}
}
