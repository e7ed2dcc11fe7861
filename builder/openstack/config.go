//go:generate packer-sdc struct-markdown
//go:generate packer-sdc mapstructure-to-hcl2 -type Config,ImageFilter,ImageFilterOptions

package openstack

import (
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/common"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"

	"github.com/imgctl/packer-plugin-openstack/builder/decode"
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
	BootTestConfig      `mapstructure:",squash"`
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
	// Templates for HashiCorp's plugin pass on variables that are empty unless they are set.
	empty := decode.Empty{Unset: true, Values: []string{"metadata", "instance_metadata", "external_source_image_properties"}}
	err := decode.Options(c, &config.DecodeOpts{
		PluginType:         BuilderID,
		Interpolate:        true,
		InterpolateContext: &c.ctx,
	}, empty, raws...)
	if err != nil {
		return nil, nil, packersdk.MultiErrorAppend(nil, err)
	}
	c.run = cloud.NewRun()

	f := &findings{}
	c.findMoot(f)
	f.errs = append(f.errs, c.Access.Prepare()...)
	c.ImageConfig.prepare(f, c.UseBlockStorageVolume)
	c.SourceConfig.prepare(f)
	c.ServerConfig.prepare(f, c.ImageName)
	c.NetworkConfig.prepare(f)
	c.VolumeConfig.prepare(f, c.AvailabilityZone, c.run)
	c.TimeConfig.prepare(f)
	c.CommConfig.prepare(f, &c.ctx, c.run)
	c.prepareBootTest(f)
	c.checkShutdown(f)
	packersdk.LogSecretFilter.Set(c.secrets()...)
	if len(f.errs) > 0 {
		return nil, nil, packersdk.MultiErrorAppend(nil, f.errs...)
	}
	return generatedNames, f.warnings, nil
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
