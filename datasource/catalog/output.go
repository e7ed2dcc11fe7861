//go:generate packer-sdc struct-markdown

package catalog

import "github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"

// DatasourceOutput is what the data source gives to the template.
type DatasourceOutput struct {
	// The image's name.
	Name string `mapstructure:"name"`
	// What the template map knows the image by.
	Key string `mapstructure:"key"`
	// The id of the image to start from; empty without `source_images`.
	SourceImage string `mapstructure:"source_image"`
	// The templates that the image is built with; empty without `template_map`.
	Templates []string `mapstructure:"templates"`
	// The metadata of a server that shall become such a host: `AQ_PERSONALITY`, `AQ_OS` and
	// `AQ_OSVERSION` (version and architecture), and what the profile says of `AQ_ARCHETYPE` and
	// `AQ_DOMAIN` or `AQ_SANDBOX`.
	Metadata map[string]string `mapstructure:"metadata"`
	// The personality.
	Personality string `mapstructure:"personality"`
	// The archetype; empty where the profile doesn't say.
	Archetype string `mapstructure:"archetype"`
	// The operating system, such as `sl`.
	OS string `mapstructure:"os"`
	// The operating system's version, such as `7x`.
	OSVersion string `mapstructure:"os_version"`
	// The architecture, such as `x86_64`.
	Arch string `mapstructure:"architecture"`
	// The host name; empty where the profile doesn't say.
	Hostname string `mapstructure:"hostname"`
	// The SHA-256 digest, hexadecimal, of what the profile says, however it is laid out. Where it is
	// that of an image's last build, nothing has changed.
	Digest string `mapstructure:"digest"`
}

func output(p *profile.Profile, r *profile.Recipe) DatasourceOutput {
	return DatasourceOutput{
		Name: r.Name, Key: r.Key, SourceImage: r.SourceImage, Templates: r.Templates, Metadata: r.Metadata,
		Personality: p.Personality, Archetype: p.Archetype, OS: p.OS, OSVersion: p.OSVersion, Arch: p.Arch,
		Hostname: p.Hostname, Digest: p.Digest,
	}
}
