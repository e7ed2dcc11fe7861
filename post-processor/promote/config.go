//go:generate packer-sdc mapstructure-to-hcl2 -type Config
//go:generate packer-sdc struct-markdown

package promote

import (
	"time"

	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/imgctl/packer-plugin-openstack/builder/boottest"
	"github.com/imgctl/packer-plugin-openstack/builder/decode"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Config is the post-processor's block.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The promotion has its own credentials, often an administrator's. The builder's are never used.
	cloud.Access `mapstructure:",squash"`

	// The id of the image to promote. Defaults to the image that the build made, with any builder.
	ImageID string `mapstructure:"image_id"`

	// The name under which the image becomes current. Defaults to the image's own name. (Packer uses
	// `name` in a post-processor block itself, to label the block, and doesn't pass it to plugins.)
	Name string `mapstructure:"image_name"`

	// The template for the names of archived predecessors. Its fields are `.Name` (the name), `.Date`
	// (today, UTC), `.Time` (now, to the second), `.ID` and `.ShortID` (the archived image's id, and its
	// first eight characters), `.CreatedAt` (when it was created) and `.Property "KEY"` (one of its
	// properties, or else the short id). It must give different names to two images archived on the same
	// day. Defaults to
	// `archive {{ .Name }} {{ .Date }} {{ .ShortID }}`.
	ArchiveName string `mapstructure:"archive_name"`

	// What happens to the projects that the predecessor is shared with: `transfer` moves them to the
	// new image; `copy` gives them the new image and keeps their access to the old one, which they need
	// to rebuild servers from it; `none` changes nothing for them. Defaults to `transfer`.
	Members string `mapstructure:"members"`

	// The status of these projects on the new image: `preserve` keeps each project's status, so that
	// those that accepted the predecessor see the new image at once; `accept` also accepts for those
	// that are pending. Rejected stays rejected. Defaults to `preserve`.
	MemberStates string `mapstructure:"member_states"`

	// The clouds.yaml entries of member projects, whose credentials are used to accept the new image.
	// Not needed with an administrator's credentials, which can accept for every project.
	AcceptWith []string `mapstructure:"accept_with"`

	// The new image's final visibility: `private`, `shared`, `community` or `public`. Defaults to that
	// of the predecessor (the widest, if there are several), or to the image's own visibility if there
	// is none.
	Visibility string `mapstructure:"visibility"`

	// Patterns, with `*` and `?`, of properties to copy from the predecessor, unless the new image
	// already has them. Defaults to none.
	CopyProperties []string `mapstructure:"copy_properties"`

	// What else to do with the predecessor: `keep` leaves it as it is, `hide` hides it from lists,
	// `deactivate` prevents servers from booting from it. Defaults to `keep`.
	OldAction string `mapstructure:"old_action"`

	// How many archived images of the name to keep. Older ones are deleted, unless they are protected
	// or in use. Defaults to all.
	Keep *int `mapstructure:"keep"`

	// How the current image is marked: `rename` gives it the name and archives the predecessor under
	// another one; `pointer` renames nothing and sets the property `imgctl_current` to the name, for
	// sites that recreate servers by image name. Defaults to `rename` for a new name, else to the
	// strategy that the name's images show; it is an error to set the other one.
	Strategy string `mapstructure:"strategy"`

	// A command, as a list of the program and its arguments, that tests the image before anything is
	// changed. It gets the image's id in the environment variable `IMAGE_ID`. Unless it exits with 0,
	// nothing is changed and the build fails.
	Gate []string `mapstructure:"gate"`

	// A [boot test](#boot-test) of the image before anything is changed, with the credentials of this block. If the
	// image fails, nothing is changed and the build fails.
	BootTest *boottest.Block `mapstructure:"boot_test"`

	// Only show what would change. Defaults to `false`.
	DryRun bool `mapstructure:"dry_run"`

	// How long the promotion may take, including the gate and waiting for another promotion of the
	// name. Defaults to `15m`.
	Timeout time.Duration `mapstructure:"timeout"`

	ctx interpolate.Context
}

// decode reads the block and checks it offline.
func (c *Config) decode(raws ...any) error {
	err := decode.Options(c, &config.DecodeOpts{
		PluginType: BuilderID, Interpolate: true, InterpolateContext: &c.ctx,
		// The template's fields are known only when an image is archived.
		InterpolateFilter: &interpolate.RenderFilter{Exclude: []string{"archive_name"}},
	}, decode.Empty{}, raws...)
	if err != nil {
		return err
	}
	errs := new(packersdk.MultiError)
	errs = packersdk.MultiErrorAppend(errs, c.prepareAccess()...)
	errs = packersdk.MultiErrorAppend(errs, known(c.promotion()).Validate()...)
	errs = packersdk.MultiErrorAppend(errs, c.BootTest.Validate()...)
	if len(errs.Errors) == 0 {
		return nil
	}
	for i, err := range errs.Errors {
		errs.Errors[i] = report.ForPacker(err)
	}
	return errs
}

// unknown is what Packer passes for a value that is known only during the build.
const unknown = "<unknown>"

// known is o without the values that aren't known yet and so can't be checked.
func known(o promote.Options) promote.Options {
	for _, value := range []*string{
		&o.ImageID, &o.Name, &o.ArchiveName, &o.Members, &o.MemberStates, &o.Visibility, &o.OldAction, &o.Strategy,
	} {
		if *value == unknown {
			*value = ""
		}
	}
	return o
}

// prepareAccess checks the credentials. Those in the environment are the builder's: they are used only
// if the block names them, as with cloud = env("OS_CLOUD").
func (c *Config) prepareAccess() []error {
	if c.Cloud == "" && c.IdentityEndpoint == "" {
		return []error{fault.Bad("cloud",
			"set cloud to the clouds.yaml entry whose project owns the image, or an administrator's, or set identity_endpoint and its like",
			"the promotion needs credentials of its own; it doesn't use the builder's")}
	}
	errs := c.Access.Prepare()
	for _, name := range c.AcceptWith {
		if name == "" {
			errs = append(errs, fault.Bad("accept_with", "name entries of clouds.yaml", "one of the names is empty"))
			continue
		}
		other := cloud.Other(name)
		for _, err := range other.Prepare() {
			errs = append(errs, fault.In("accept_with", err))
		}
	}
	return errs
}

// promotion turns the block into the subject's options.
func (c *Config) promotion() promote.Options {
	return promote.Options{
		ImageID: c.ImageID, Name: c.Name, ArchiveName: c.ArchiveName,
		Members: c.Members, MemberStates: c.MemberStates, Visibility: c.Visibility,
		CopyProperties: c.CopyProperties, OldAction: c.OldAction, Retain: c.Keep,
		Strategy: c.Strategy, Gate: c.Gate, Timeout: c.Timeout,
	}
}

// options completes the block with the image of the build.
func (c *Config) options(source packersdk.Artifact) (promote.Options, error) {
	o := c.promotion()
	var err error
	if o.ImageID == "" {
		o.ImageID, err = imageID(source)
	}
	if name, _ := source.State("image_name").(string); o.Name == "" && c.ImageID == "" {
		o.Name = name
	}
	return o, err
}
