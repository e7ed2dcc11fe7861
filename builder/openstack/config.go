//go:generate packer-sdc struct-markdown
//go:generate packer-sdc mapstructure-to-hcl2 -type Config,ImageFilter,ImageFilterOptions

package openstack

import (
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Config holds all options of a build.
type Config struct {
	common.PackerConfig `mapstructure:",squash"`
	cloud.Access        `mapstructure:",squash"`
	ImageConfig         `mapstructure:",squash"`
	SourceConfig        `mapstructure:",squash"`
	ServerConfig        `mapstructure:",squash"`
	NetworkConfig       `mapstructure:",squash"`
	VolumeConfig        `mapstructure:",squash"`
	TimeConfig          `mapstructure:",squash"`
	CommConfig          `mapstructure:",squash"`

	ctx interpolate.Context
	run cloud.Run
}

// ConfigSpec describes the options to Packer.
func (b *Builder) ConfigSpec() hcldec.ObjectSpec { return b.config.FlatMapstructure().HCL2Spec() }

// Prepare reads and checks the options without sending any requests. Values that are known only
// during the build count as valid. It returns the names of the variables that provisioners can use.
func (b *Builder) Prepare(raws ...any) ([]string, []string, error) {
	c := &b.config
	err := config.Decode(c, &config.DecodeOpts{
		PluginType:         BuilderID,
		Interpolate:        true,
		InterpolateContext: &c.ctx,
	}, raws...)
	if err != nil {
		return nil, nil, err
	}
	c.run = cloud.NewRun()

	var errs *packersdk.MultiError
	errs = packersdk.MultiErrorAppend(errs, c.Access.Prepare()...)
	errs = packersdk.MultiErrorAppend(errs, c.ImageConfig.prepare(c.UseBlockStorageVolume)...)
	errs = packersdk.MultiErrorAppend(errs, c.SourceConfig.prepare()...)
	errs = packersdk.MultiErrorAppend(errs, c.ServerConfig.prepare(c.ImageName)...)
	errs = packersdk.MultiErrorAppend(errs, c.NetworkConfig.prepare()...)
	errs = packersdk.MultiErrorAppend(errs, c.VolumeConfig.prepare(c.AvailabilityZone, c.run)...)
	errs = packersdk.MultiErrorAppend(errs, c.TimeConfig.prepare()...)
	errs = packersdk.MultiErrorAppend(errs, c.CommConfig.prepare(&c.ctx, c.run)...)
	errs = packersdk.MultiErrorAppend(errs, c.shutdownCheck()...)
	packersdk.LogSecretFilter.Set(c.secrets()...)
	if errs != nil && len(errs.Errors) > 0 {
		return nil, nil, errs
	}
	return generatedNames, c.warnings(), nil
}

func (c *Config) secrets() []string {
	secrets := c.Secrets()
	for _, s := range []string{c.Comm.SSHPassword, c.Comm.WinRMPassword, c.Comm.SSHBastionPassword, c.Comm.SSHProxyPassword} {
		if s != "" && s != cloud.Unknown {
			secrets = append(secrets, s)
		}
	}
	return secrets
}

func (c *Config) warnings() []string {
	var w []string
	if c.FloatingIPPool != "" {
		w = append(w, "floating_ip_pool is deprecated: use floating_ip_network")
	}
	if c.UseFloatingIP {
		w = append(w, "use_floating_ip is deprecated and has no effect: use floating_ip_network, floating_ip or reuse_ips")
	}
	if c.OpenstackProvider != "" {
		w = append(w, "openstack_provider has no effect")
	}
	if c.SourceImageFilter.Filters.Visibility == "protected" {
		w = append(w, `source_image_filter: visibility "protected" is no visibility and has no effect`)
	}
	return w
}
