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

// Config is the data source's options.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	cloud.Access        `mapstructure:",squash"`
	Catalog             `mapstructure:",squash"`
}

// A file is named by its path or by an `http://` or `https://` URL. One that is larger than 32 MiB
// or takes longer than a minute is an error.
type Catalog struct {
	// The Aquilon profile, in JSON, of the host that the image is for.
	Profile string `mapstructure:"profile" required:"true"`
	// Packuilon's template map: a JSON object of lists of templates by the image's key, with an
	// entry `DEFAULT` for all images without one of their own. An image's own entry replaces
	// `DEFAULT`. Relative paths in it are from the map's folder.
	TemplateMap string `mapstructure:"template_map"`
	// Packuilon's source images: a JSON object of image ids, either by operating system, version and
	// architecture (`{"sl7x-x86_64": "…"}`) or by operating system first (`{"sl": {"7x-x86_64": "…"}}`,
	// where `7x` alone stands for any architecture).
	SourceImages string `mapstructure:"source_images"`
	// How the image is called. `personality`, the default, makes the name `sl7x-x86_64 web` and the
	// key `web-sl7x-x86_64`; `hostname` takes the profile's host name for both.
	NameStyle string `mapstructure:"name_style"`
	// Metadata to add to what the profile gives, or to replace it; an empty value takes a key out.
	// Packuilon always set `AQ_DOMAIN = "prod"`; here it is the domain that the profile was compiled
	// in.
	Metadata map[string]string `mapstructure:"metadata"`
	// Look the source image up in the cloud, so that a stale id fails before anything is built. The
	// default is `true` where credentials are given, in this block or in the environment
	// (`OS_CLOUD`, `OS_AUTH_URL`).
	CheckSourceImage config.Trilean `mapstructure:"check_source_image"`
}

// prepare finds what is wrong with the options without reading anything.
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
