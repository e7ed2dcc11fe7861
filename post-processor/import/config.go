//go:generate packer-sdc mapstructure-to-hcl2 -type Config,Projects
//go:generate packer-sdc struct-markdown

// Package imports is Packer's door to internal/image/upload and promote: the post-processor openstack-import.
package imports

import (
	"errors"
	"slices"

	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/imgctl/packer-plugin-openstack/builder/boottest"
	"github.com/imgctl/packer-plugin-openstack/builder/decode"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Config is the post-processor's block.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The entries of clouds.yaml to import the image into, all at once, each with its own credentials. If one of
	// them fails, the others go on, and the build fails at the end.
	Clouds []string `mapstructure:"clouds" required:"true"`

	// The image's name. In each cloud, the image becomes current under it as with `openstack-promote`: images that
	// have the name are archived, and the projects that they are shared with keep their access.
	Name string `mapstructure:"image_name" required:"true"`

	// The file to import. Defaults to the artifact's only file.
	File string `mapstructure:"file"`

	// A checksum that the file must have, such as `sha256:ab12…`. Defaults to none.
	Checksum string `mapstructure:"checksum"`

	// The disk format that the file must have, such as `qcow2`. Defaults to the one that its first bytes show.
	DiskFormat string `mapstructure:"disk_format"`

	// The image's properties.
	Properties map[string]string `mapstructure:"properties"`

	// The image's tags.
	Tags []string `mapstructure:"tags"`

	// The smallest disk of a server, in GiB. Raised to what the disk's virtual size needs.
	MinDisk int `mapstructure:"min_disk"`

	// The smallest memory of a server, in MiB.
	MinRAM int `mapstructure:"min_ram"`

	// The image's final visibility. Defaults to that of the image that has the name, or else to `private`.
	Visibility string `mapstructure:"visibility"`

	// What happens to the projects that the previous image is shared with, as in `openstack-promote`: `transfer`
	// (the default), `copy` or `none`.
	Members string `mapstructure:"members"`

	// [Projects to share the image with](#projects), a block for each of the `clouds`. Makes the image's visibility
	// `shared` there. Those that the previous image is shared with don't have to be named.
	ImageMembers []Projects `mapstructure:"image_members"`

	// The clouds.yaml entries of these projects, whose credentials are used to accept the new image, as in
	// `openstack-promote`. Entries of projects in another cloud are not used there.
	AcceptWith []string `mapstructure:"accept_with"`

	// Only give the image its name, and leave images that have it alone. Defaults to `false`.
	SkipPromotion bool `mapstructure:"skip_promotion"`

	// What else to do with the previous image: `keep` (the default), `hide` or `deactivate`.
	OldAction string `mapstructure:"old_action"`

	// How many archived images of the name to keep. Defaults to all.
	Keep *int `mapstructure:"keep"`

	// A [boot test](#boot-test) of the image in each cloud, while it is hidden. An image that fails is never made
	// current there; it stays hidden, with the reason as a property, until `imgctl sweep` removes it.
	BootTest *boottest.Block `mapstructure:"boot_test"`

	ctx interpolate.Context
}

// Projects are those that an image is shared with in one cloud.
type Projects struct {
	// One of the `clouds`.
	Cloud string `mapstructure:"cloud" required:"true"`

	// The projects' ids.
	Projects []string `mapstructure:"projects" required:"true"`
}

func (c *Config) decode(raws ...any) error {
	err := decode.Options(c, &config.DecodeOpts{PluginType: BuilderID, Interpolate: true, InterpolateContext: &c.ctx},
		decode.Empty{}, raws...)
	if err != nil {
		return err
	}
	errs := new(packersdk.MultiError)
	add := func(more ...error) {
		for _, err := range more {
			errs = packersdk.MultiErrorAppend(errs, report.ForPacker(err))
		}
	}
	if len(c.Clouds) == 0 {
		add(fault.Bad("clouds", "name entries of clouds.yaml", "it is missing"))
	}
	if sorted := slices.Sorted(slices.Values(c.Clouds)); len(slices.Compact(sorted)) < len(c.Clouds) {
		add(fault.Bad("clouds", "", "a cloud is named twice"))
	}
	for option, names := range map[string][]string{"clouds": c.Clouds, "accept_with": c.AcceptWith} {
		for _, name := range names {
			other := cloud.Other(name)
			for _, err := range other.Prepare() {
				add(fault.In(option, err))
			}
		}
	}
	if c.Name == "" {
		add(fault.Bad("image_name", "give the image a name", "it is missing"))
	}
	if c.MinDisk < 0 || c.MinRAM < 0 {
		add(fault.New(fault.Usage, "", "min_disk and min_ram can't be negative"))
	}
	if _, err := c.sums(); err != nil {
		add(fault.In("checksum", err))
	}
	add(c.checkMembers()...)
	add(c.promotion().Validate()...)
	add(c.BootTest.Validate()...)
	if len(errs.Errors) > 0 {
		return errs
	}
	return nil
}

// membersIn are the projects to share the image with in a cloud.
func (c *Config) membersIn(cloud string) (all []string) {
	for _, m := range c.ImageMembers {
		if m.Cloud == cloud {
			all = append(all, m.Projects...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkMembers checks options that have no effect, or not the one that is asked for.
func (c *Config) checkMembers() (errs []error) {
	for _, m := range c.ImageMembers {
		if !slices.Contains(c.Clouds, m.Cloud) && m.Cloud != unknown {
			errs = append(errs, fault.Bad("image_members", "", "cloud %q is none of the clouds", m.Cloud))
		}
		if len(m.Projects) == 0 || slices.Contains(m.Projects, "") {
			errs = append(errs, fault.Bad("image_members", "name projects by their ids", "cloud %q: there is no project", m.Cloud))
		}
	}
	if len(c.ImageMembers) > 0 && c.Visibility != "" && c.Visibility != unknown && c.Visibility != glance.Shared {
		errs = append(errs, fault.Bad("visibility", "", "an image that isn't shared has no image_members"))
	}
	if c.SkipPromotion {
		for option, set := range map[string]bool{"members": c.Members != "", "old_action": c.OldAction != "", "keep": c.Keep != nil} {
			if set {
				errs = append(errs, fault.Bad(option, "", "it has no effect with skip_promotion"))
			}
		}
	}
	return errs
}

const unknown = "<unknown>"

func (c *Config) sums() (upload.Sums, error) {
	if c.Checksum == "" || c.Checksum == unknown {
		return nil, nil
	}
	return upload.ParseSums(c.Checksum)
}

// promotion is what makes the image current, without its id. Values that aren't known yet can't be checked.
func (c *Config) promotion() promote.Options {
	o := promote.Options{
		Name: c.Name, Visibility: c.Visibility, Members: c.Members, OldAction: c.OldAction, Retain: c.Keep,
	}
	for _, v := range []*string{&o.Name, &o.Visibility, &o.Members, &o.OldAction} {
		if *v == unknown {
			*v = ""
		}
	}
	return o
}

// file is the one to import.
func (c *Config) file(source packersdk.Artifact) (string, error) {
	if c.File != "" {
		return c.File, nil
	}
	switch files := source.Files(); len(files) {
	case 1:
		return files[0], nil
	case 0:
		return "", errors.New("file: the artifact has no file; name one")
	default:
		return "", fault.New(fault.Ambiguous, "name one of them", "file: the artifact has %d files: %q", len(files), files)
	}
}
