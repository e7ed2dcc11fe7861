//go:generate packer-sdc mapstructure-to-hcl2 -type Config,DatasourceOutput
//go:generate packer-sdc struct-markdown

package catalog

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/template/config"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Config holds the data source's options.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	cloud.Access        `mapstructure:",squash"`
	Catalog             `mapstructure:",squash"`
}

// Each file is given by its path or by an `http://` or `https://` URL. Files larger than 32 MiB, and
// downloads that take longer than a minute, are errors.
type Catalog struct {
	// The Aquilon profile, in JSON, of the host that the image is for.
	Profile string `mapstructure:"profile" required:"true"`
	// Packuilon's template map: a JSON object that maps image keys to lists of templates. The entry
	// `DEFAULT` is for images without an entry of their own. Relative paths in the map start from its
	// folder.
	TemplateMap string `mapstructure:"template_map"`
	// Packuilon's source images: a JSON object of image ids, keyed either by operating system, version
	// and architecture (`{"sl7x-x86_64": "…"}`), or nested by operating system
	// (`{"sl": {"7x-x86_64": "…"}}`, where `7x` alone matches any architecture).
	SourceImages string `mapstructure:"source_images"`
	// How to name the image. `personality`, the default, gives the name `sl7x-x86_64 web` and the key
	// `web-sl7x-x86_64`; `hostname` uses the profile's host name for both.
	NameStyle string `mapstructure:"name_style"`
	// Metadata that adds to or replaces that of the profile; an empty value removes a key. Packuilon
	// always set `AQ_DOMAIN = "prod"`; here the default is the domain that the profile was compiled in.
	Metadata map[string]string `mapstructure:"metadata"`
	// Look up the source image in the cloud, so that a stale id fails before anything is built.
	// Defaults to `true` if credentials are given, in this block or in the environment (`OS_CLOUD`,
	// `OS_AUTH_URL`).
	CheckSourceImage config.Trilean `mapstructure:"check_source_image"`
}

// prepare checks the options without reading any file.
func (c *Catalog) prepare() (errs []error) {
	if c.Profile == "" {
		errs = append(errs, fmt.Errorf("reading profile: it is missing; give the path or URL of an Aquilon profile"))
	}
	if c.NameStyle != "" && c.NameStyle != cloud.Unknown && !slices.Contains(profile.NameStyles, c.NameStyle) {
		errs = append(errs, fmt.Errorf("reading name_style %q: choose one of %s", c.NameStyle, strings.Join(profile.NameStyles, ", ")))
	}
	return errs
}

// passwords are those in the URLs.
func (c *Catalog) passwords() (all []string) {
	for _, location := range []string{c.Profile, c.TemplateMap, c.SourceImages} {
		if u, err := url.Parse(location); err == nil && u.User != nil {
			if password, ok := u.User.Password(); ok {
				all = append(all, password)
			}
		}
	}
	return all
}

// asksCloud reports whether the source image is looked up.
func (c *Config) asksCloud() bool {
	if c.CheckSourceImage != config.TriUnset {
		return c.CheckSourceImage.True()
	}
	return c.Cloud != "" || c.IdentityEndpoint != "" || os.Getenv("OS_CLOUD") != "" || os.Getenv("OS_AUTH_URL") != ""
}
