//go:generate packer-sdc struct-markdown

package openstack

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// The image that the build starts from. Set exactly one of `source_image`, `source_image_name`,
// `source_image_filter` and `external_source_image_url`.
type SourceConfig struct {
	// The id of the source image, or its URL. Anything but a UUID is taken as a name, as in
	// `source_image_name`.
	SourceImage string `mapstructure:"source_image" required:"false"`
	// The name of the source image. If several images have the name, the build stops, unless
	// `source_image_filter` sets `most_recent`.
	SourceImageName string `mapstructure:"source_image_name" required:"false"`
	// Finds the source image by its name, owner, tags, properties and so on:
	//
	// ```hcl
	// source_image_filter {
	//   filters {
	//     name_regex = "^ubuntu-24\\.04-"
	//     owner      = "d1a588cf4b0743344508dc145649372d"
	//     visibility = "shared"
	//     tags       = ["prod", "ready"]
	//     properties = {
	//       os_distro = "ubuntu"
	//     }
	//   }
	//   most_recent = true
	// }
	// ```
	SourceImageFilter ImageFilter `mapstructure:"source_image_filter" required:"false"`
	// The URL of an image for the cloud to download; its Image service needs the import method
	// `web-download`. The downloaded image is deleted at the end of the build.
	ExternalSourceImageURL string `mapstructure:"external_source_image_url" required:"false"`
	// The disk format of the image at the URL. Default: `qcow2`.
	ExternalSourceImageFormat string `mapstructure:"external_source_image_format" required:"false"`
	// Properties to set on the downloaded image.
	ExternalSourceImageProperties map[string]string `mapstructure:"external_source_image_properties" required:"false"`
}

// ImageFilter finds an image by its attributes.
type ImageFilter struct {
	// The attributes of the image. An image must match all of them.
	Filters ImageFilterOptions `mapstructure:"filters" required:"false"`
	// If several images match, take the newest, or the first in the order of `sort`. Default: false;
	// if several images match, the error lists them.
	MostRecent bool `mapstructure:"most_recent" required:"false"`
	// How matching images are sorted, such as `created_at:desc` (the default) or
	// `name:desc,created_at:desc`.
	Sort string `mapstructure:"sort" required:"false"`
}

// ImageFilterOptions are the attributes to match.
type ImageFilterOptions struct {
	// The image's exact name.
	Name string `mapstructure:"name" required:"false"`
	// A regular expression for the name, in [Go's syntax](https://pkg.go.dev/regexp/syntax).
	NameRegex string `mapstructure:"name_regex" required:"false"`
	// The id of the project that owns the image.
	Owner string `mapstructure:"owner" required:"false"`
	// Tags. The image must have all of them.
	Tags []string `mapstructure:"tags" required:"false"`
	// `public`, `private`, `shared`, `community`, or `all`, which adds the community images of
	// other projects.
	Visibility string `mapstructure:"visibility" required:"false"`
	// Properties. The image must have all of them, with these values.
	Properties map[string]string `mapstructure:"properties" required:"false"`
	// Look only among hidden images. Default: only among those that aren't hidden.
	Hidden bool `mapstructure:"hidden" required:"false"`
	// The image's status. Default: `active`.
	Status string `mapstructure:"status" required:"false"`
	// For images shared by other projects, this project's member status: `accepted` (the default),
	// `pending`, `rejected` or `all`.
	MemberStatus string `mapstructure:"member_status" required:"false"`
}

// Empty reports whether no attribute is set.
func (o *ImageFilterOptions) Empty() bool {
	return o.Name == "" && o.NameRegex == "" && o.Owner == "" && len(o.Tags) == 0 && o.Visibility == "" &&
		len(o.Properties) == 0 && o.Status == "" && o.MemberStatus == "" && !o.Hidden
}

func (c *SourceConfig) prepare(f *findings) {
	var given []string
	for _, s := range []struct {
		option string
		set    bool
	}{
		{"source_image", c.SourceImage != ""},
		{"source_image_name", c.SourceImageName != ""},
		{"source_image_filter", !c.SourceImageFilter.Filters.Empty()},
		{"external_source_image_url", c.ExternalSourceImageURL != ""},
	} {
		if s.set {
			given = append(given, s.option)
		}
	}
	switch len(given) {
	case 0:
		f.bad("set one of source_image, source_image_name, source_image_filter and external_source_image_url",
			"source_image: no source image is set")
	case 1:
	default:
		f.bad("keep one of them", "%s: only one of these can be set", strings.Join(given, ", "))
	}
	if strings.Contains(c.SourceImage, "://") {
		c.SourceImage = path.Base(c.SourceImage)
	}
	if u, err := url.Parse(c.ExternalSourceImageURL); c.ExternalSourceImageURL != cloud.Unknown && c.ExternalSourceImageURL != "" &&
		(err != nil || u.Scheme != "http" && u.Scheme != "https") {
		f.bad("give an http or https URL", "external_source_image_url: %q can't be downloaded", c.ExternalSourceImageURL)
	}
	if c.ExternalSourceImageFormat == "" {
		c.ExternalSourceImageFormat = "qcow2"
	}
	if c.ExternalSourceImageURL != "" {
		f.properties("external_source_image_properties", c.ExternalSourceImageProperties, true)
	}
	c.SourceImageFilter.Filters.check(f)
}

func (o *ImageFilterOptions) check(f *findings) {
	visibilities := []string{"", glance.Private, glance.Shared, glance.Community, glance.Public, "all", "protected", cloud.Unknown}
	if !slices.Contains(visibilities, o.Visibility) {
		f.bad("use public, private, shared, community or all", "source_image_filter: visibility %q is unknown", o.Visibility)
	}
	if !slices.Contains([]string{"", glance.Accepted, glance.Pending, glance.Rejected, "all", cloud.Unknown}, o.MemberStatus) {
		f.bad("use accepted, pending, rejected or all", "source_image_filter: member_status %q is unknown", o.MemberStatus)
	}
	if o.NameRegex != cloud.Unknown {
		if _, err := regexp.Compile(o.NameRegex); err != nil {
			f.bad("see https://pkg.go.dev/regexp/syntax", "source_image_filter: name_regex: %w", err)
		}
	}
}

// selector turns the options into a query to the Image service.
func (c *SourceConfig) selector() glance.Selector {
	f := &c.SourceImageFilter.Filters
	s := glance.Selector{
		Name: f.Name, Owner: f.Owner, Visibility: f.Visibility, MemberStatus: f.MemberStatus,
		Hidden: f.Hidden, Status: f.Status, Tags: f.Tags, Properties: f.Properties, Sort: c.SourceImageFilter.Sort,
	}
	switch {
	case uuid.Validate(c.SourceImage) == nil:
		s.ID = c.SourceImage
	case c.SourceImage != "":
		s.Name = c.SourceImage
	case c.SourceImageName != "":
		s.Name = c.SourceImageName
	}
	if s.Visibility == "protected" {
		s.Visibility = ""
	}
	if f.NameRegex != "" {
		s.NameRegex = regexp.MustCompile(f.NameRegex)
	}
	return s
}
