//go:generate packer-sdc struct-markdown

package openstack

import (
	"path"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// What the build does if the project already has an image of the same name.
const (
	conflictAllow   = "allow"
	conflictFail    = "fail"
	conflictReplace = "replace"
)

// The image that the build makes. It is captured as a hidden image under a staging name. At the end,
// one request sets its final name, properties, tags and visibility, so nobody ever finds an
// unfinished image.
type ImageConfig struct {
	// The name of the image.
	ImageName string `mapstructure:"image_name" required:"true"`
	// Properties of the image. `image_type` defaults to `image`, so that the image isn't mistaken
	// for a snapshot.
	ImageMetadata map[string]string `mapstructure:"metadata" required:"false"`
	// Who can use the image: `private`, `shared` (the projects in `image_members`), `community` or
	// `public`, which most clouds reserve for administrators. Default: the cloud's default for
	// snapshots, which is `private`.
	ImageVisibility string `mapstructure:"image_visibility" required:"false"`
	// The ids of the projects that the image is shared with. Needs `image_visibility = "shared"`.
	ImageMembers []string `mapstructure:"image_members" required:"false"`
	// Accept the image on behalf of its members, so that it appears in their lists. Needs an
	// administrator's credentials.
	ImageAutoAcceptMembers bool `mapstructure:"image_auto_accept_members" required:"false"`
	// Accept the image on behalf of its members with their own credentials: names of entries in
	// `clouds.yaml`, each of which belongs to one of the `image_members`.
	ImageAcceptWith []string `mapstructure:"image_accept_with" required:"false"`
	// The disk format of the image, such as `qcow2` or `raw`. Only with
	// `use_blockstorage_volume`; otherwise the hypervisor decides.
	ImageDiskFormat string `mapstructure:"image_disk_format" required:"false"`
	// Tags of the image.
	ImageTags []string `mapstructure:"image_tags" required:"false"`
	// The minimum disk, in GiB, of a server that boots the image. Default: the flavor's disk.
	ImageMinDisk int `mapstructure:"image_min_disk" required:"false"`
	// The minimum memory, in MiB, of a server that boots the image. Default: the source image's.
	ImageMinRAM int `mapstructure:"image_min_ram" required:"false"`
	// Protect the image from deletion.
	ImageProtected bool `mapstructure:"image_protected" required:"false"`
	// Leave the image out of default lists. It can still be used by its id.
	ImageHidden bool `mapstructure:"image_hidden" required:"false"`
	// Which properties the image inherits from the source image and from the cloud: `["all"]` (the
	// default), `["none"]`, or a list of patterns such as `["hw_*", "os_*", "!os_admin_user"]`, where
	// a leading `!` excludes what the pattern matches. Properties set in `metadata` are always kept.
	// Properties that belong to the Image service or describe the source's own data (`os_glance_*`,
	// `owner_specified.*`, signatures) are never inherited. Properties without which the image's own
	// data can't be read (`cinder_encryption_*`, `block_device_mapping`) are always kept.
	InheritProperties []string `mapstructure:"inherit_properties" required:"false"`
	// What to do if the project already has an image of the name: `allow` (the default) keeps it, so
	// that two images have the name; `fail` stops before anything is created; `replace` deletes it
	// once the new one is published. To archive it and carry its members over instead, use the
	// post-processor `openstack-promote`.
	ImageNameConflict string `mapstructure:"image_name_conflict" required:"false"`
	// Don't make an image, for testing a template.
	SkipCreateImage bool `mapstructure:"skip_create_image" required:"false"`

	caller map[string]string // properties that whoever runs the build adds
}

func (c *ImageConfig) prepare(f *findings, volume bool) {
	if c.ImageName == "" {
		f.bad("give the new image a name", "image_name: it is missing")
	}
	f.short("image_name", c.ImageName, longestName)
	if c.ImageMetadata == nil {
		c.ImageMetadata = map[string]string{}
	}
	if c.ImageMetadata["image_type"] == "" {
		c.ImageMetadata["image_type"] = "image"
	}
	f.properties("metadata", c.ImageMetadata, false)
	var err error
	if c.caller, err = glance.CallersProperties(); err != nil {
		f.bad("unset it", "%w", err)
	}
	for _, tag := range c.ImageTags {
		f.short("image_tags", tag, longestName)
	}
	c.prepareSharing(f, volume)
	if c.ImageDiskFormat != "" && !volume {
		f.bad("set use_blockstorage_volume as well, or leave it out", "image_disk_format: the hypervisor decides on the format")
	}
	f.natural("image_min_disk", "GiB", c.ImageMinDisk)
	f.natural("image_min_ram", "MiB", c.ImageMinRAM)
	if c.ImageNameConflict == "" {
		c.ImageNameConflict = conflictAllow
	}
	if !slices.Contains([]string{conflictAllow, conflictFail, conflictReplace, cloud.Unknown}, c.ImageNameConflict) {
		f.bad("use allow, fail or replace", "image_name_conflict: %q is unknown", c.ImageNameConflict)
	}
	for _, pattern := range c.InheritProperties {
		if _, err := path.Match(strings.TrimPrefix(pattern, "!"), ""); err != nil {
			f.bad("use * and ? as wildcards", "inherit_properties: %q: %w", pattern, err)
		}
	}
}

func (c *ImageConfig) prepareSharing(f *findings, volume bool) {
	if c.ImageVisibility != cloud.Unknown {
		c.ImageVisibility = strings.ToLower(c.ImageVisibility)
	}
	known := []string{"", glance.Private, glance.Shared, glance.Community, glance.Public, cloud.Unknown}
	if !slices.Contains(known, c.ImageVisibility) {
		f.bad("use private, shared, community or public", "image_visibility: %q is unknown", c.ImageVisibility)
	}
	if len(c.ImageMembers) == 0 {
		if len(c.ImageAcceptWith) > 0 {
			f.bad("name the projects in image_members", "image_accept_with: there are no members")
		}
		return
	}
	if c.SkipCreateImage {
		return
	}
	// An image from a volume is shared by default.
	if volume && c.ImageVisibility == "" {
		c.ImageVisibility = glance.Shared
	}
	if c.ImageVisibility != glance.Shared && c.ImageVisibility != cloud.Unknown && slices.Contains(known, c.ImageVisibility) {
		f.bad(`set image_visibility = "shared"`, "image_members: an image whose visibility isn't shared has no members")
	}
	for _, m := range c.ImageMembers {
		if strings.TrimSpace(m) == "" {
			f.bad("give the ids of projects", "image_members: one of them is empty")
		}
	}
}

// inherits reports whether the image keeps a property that neither the template nor imgctl has set.
func (c *ImageConfig) inherits(property string) bool {
	if glance.OwnData(property) {
		return true
	}
	if glance.Reserved(property) {
		return false
	}
	kept := len(c.InheritProperties) == 0 || strings.HasPrefix(c.InheritProperties[0], "!")
	for _, pattern := range c.InheritProperties {
		pattern, deny := strings.CutPrefix(pattern, "!")
		switch pattern {
		case "all":
			pattern = "*"
		case "none":
			pattern, deny = "*", true
		}
		if ok, _ := path.Match(pattern, property); ok {
			kept = !deny
		}
	}
	return kept
}
