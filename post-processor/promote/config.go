//go:generate packer-sdc mapstructure-to-hcl2 -type Config
//go:generate packer-sdc struct-markdown

package promote

import (
	"time"

	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Config is the post-processor's block.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`

	// The promotion has credentials of its own, which are often an administrator's. The
	// builder's are never used.
	cloud.Access `mapstructure:",squash"`

	// The id of the image to promote. By default it is the image that the build made, whichever
	// builder made it.
	ImageID string `mapstructure:"image_id"`

	// The name that the image becomes current under. By default it is the name it has. (`name`
	// in a post-processor block is Packer's own: it labels the block and reaches no plugin.)
	Name string `mapstructure:"image_name"`

	// The template of the names that images get which carried the name before. It is made of
	// `.Name` (the name), `.Date` (today, UTC), `.Time` (now, to the second), `.ID` and `.ShortID`
	// (the archived image's id, and its first eight characters) and `.CreatedAt` (when it was
	// created), and has to give different names to two images archived on the same day. Defaults
	// to `archive {{ .Name }} {{ .Date }} {{ .ShortID }}`.
	ArchiveName string `mapstructure:"archive_name"`

	// What becomes of the projects that the image before was shared with: `transfer` moves them
	// to the new image, `copy` gives them the new image and leaves them the old one, which servers
	// that are rebuilt from it need, and `none` leaves them with the old one. Defaults to `transfer`.
	Members string `mapstructure:"members"`

	// The status that these projects have on the new image: `preserve` keeps each as it is, so
	// that who accepted the image before sees the new one at once; `accept` also accepts for those
	// whose status is pending. Who rejected the image stays rejected. Defaults to `preserve`.
	MemberStates string `mapstructure:"member_states"`

	// Names of clouds.yaml entries of member projects, whose credentials accept the new image on
	// their behalf. Not needed with an administrator's credentials, which can accept for everybody.
	AcceptWith []string `mapstructure:"accept_with"`

	// The new image's visibility at the end: `private`, `shared`, `community` or `public`. By
	// default it is that of the image before (the widest, where several carried the name), or the
	// image's own if it is the first of its name.
	Visibility string `mapstructure:"visibility"`

	// Patterns, with `*` and `?`, of properties that the new image takes over from the image
	// before, if it doesn't have them itself. By default none.
	CopyProperties []string `mapstructure:"copy_properties"`

	// What else happens to the image before: `keep` nothing, `hide` leaves it out of lists,
	// `deactivate` makes that no server can be booted from it. Defaults to `keep`.
	OldAction string `mapstructure:"old_action"`

	// How many archived images of the name stay; older ones are deleted, unless they are
	// protected or in use. By default all stay.
	Keep *int `mapstructure:"keep"`

	// How the current image is told from the others: `rename` gives it the name, and archives the
	// image before under another one; `pointer` renames nothing and sets the property
	// `imgctl_current` to the name, for sites whose servers are recreated by image name. Defaults to `rename`.
	Strategy string `mapstructure:"strategy"`

	// A command, as a list of the program and its arguments, that judges the image before anything
	// is changed; it finds the image's id in the environment variable `IMAGE_ID`. If it ends with
	// any status but 0, nothing is changed and the build fails.
	Gate []string `mapstructure:"gate"`

	// Only show what would be changed. Defaults to `false`.
	DryRun bool `mapstructure:"dry_run"`

	// How long the promotion may take, the gate and waiting for another promotion of the name
	// included. Defaults to `15m`.
	Timeout time.Duration `mapstructure:"timeout"`

	ctx interpolate.Context
}

// decode reads the block and checks it offline.
func (c *Config) decode(raws ...any) error {
	err := config.Decode(c, &config.DecodeOpts{
		PluginType: BuilderID, Interpolate: true, InterpolateContext: &c.ctx,
		// The template's fields are known only when the image is archived.
		InterpolateFilter: &interpolate.RenderFilter{Exclude: []string{"archive_name"}},
	}, raws...)
	if err != nil {
		return err
	}
	errs := new(packersdk.MultiError)
	errs = packersdk.MultiErrorAppend(errs, c.prepareAccess()...)
	errs = packersdk.MultiErrorAppend(errs, known(c.promotion()).Validate()...)
	if len(errs.Errors) == 0 {
		return nil
	}
	for i, err := range errs.Errors {
		errs.Errors[i] = report.ForPacker(err)
	}
	return errs
}

// unknown is what Packer hands over for a value that only the build will tell.
const unknown = "<unknown>"

// known is o without the values that aren't known yet: there is nothing to check in them.
func known(o promote.Options) promote.Options {
	for _, value := range []*string{&o.ImageID, &o.Name, &o.ArchiveName, &o.Members, &o.MemberStates, &o.Visibility, &o.OldAction, &o.Strategy} {
		if *value == unknown {
			*value = ""
		}
	}
	return o
}

// prepareAccess checks the credentials. Those of the environment are the builder's: they count
// only where the block names them, as with cloud = env("OS_CLOUD").
func (c *Config) prepareAccess() []error {
	if c.Cloud == "" && c.IdentityEndpoint == "" {
		return []error{fault.Bad("cloud", "set cloud to the clouds.yaml entry whose project owns the image (or an administrator's), or identity_endpoint and what goes with it",
			"the promotion needs credentials of its own; it doesn't use the builder's")}
	}
	errs := c.Access.Prepare()
	for _, name := range c.AcceptWith {
		for _, err := range (&cloud.Access{Cloud: name}).Prepare() {
			errs = append(errs, fault.In("accept_with", err))
		}
	}
	return errs
}

// promotion is the block in the domain's words.
func (c *Config) promotion() promote.Options {
	return promote.Options{
		ImageID: c.ImageID, Name: c.Name, ArchiveName: c.ArchiveName,
		Members: c.Members, MemberStates: c.MemberStates, Visibility: c.Visibility,
		CopyProperties: c.CopyProperties, OldAction: c.OldAction, Retain: c.Keep,
		Strategy: c.Strategy, Gate: c.Gate, Timeout: c.Timeout,
	}
}

// options completes the block with what the build made.
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
