// Package catalog is Packer's data source openstack-catalog: it reads an image's name, source image,
// metadata and templates from an Aquilon profile and packuilon's maps.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/hcl2helper"
	"github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/zclconf/go-cty/cty"

	"github.com/imgctl/packer-plugin-openstack/builder/decode"
	"github.com/imgctl/packer-plugin-openstack/datasource/literal"
	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Datasource resolves one profile. Packer calls Configure, then Execute.
type Datasource struct{ config Config }

// timeout limits all reads with their retries; Packer can't cancel a data source.
const timeout = 5 * time.Minute

// ConfigSpec is the layout of the options.
func (d *Datasource) ConfigSpec() hcldec.ObjectSpec { return d.config.FlatMapstructure().HCL2Spec() }

// OutputSpec is the layout of the outputs.
func (d *Datasource) OutputSpec() hcldec.ObjectSpec {
	return (&DatasourceOutput{}).FlatMapstructure().HCL2Spec()
}

// Configure takes the options and checks them. It reads no file and makes no request.
func (d *Datasource) Configure(raws ...any) error {
	empty := decode.Empty{Values: []string{"metadata"}} // takes the key away
	if err := decode.Options(&d.config, &config.DecodeOpts{PluginType: "openstack-catalog"}, empty, raws...); err != nil {
		return fmt.Errorf("reading the options of data source openstack-catalog: %w", err)
	}
	packer.LogSecretFilter.Set(append(d.config.Secrets(), d.config.passwords()...)...)
	errs := d.config.prepare()
	if d.config.asksCloud() {
		errs = append(errs, d.config.Access.Prepare()...)
	}
	return report.ForPacker(errors.Join(errs...))
}

// Execute reads the files and asks the cloud about the source image.
func (d *Datasource) Execute() (cty.Value, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	out, err := d.config.resolve(ctx)
	if err != nil {
		return cty.NullVal(cty.EmptyObject), fmt.Errorf("resolving the profile of data source openstack-catalog: %w", report.ForPacker(err))
	}
	return literal.Value(hcl2helper.HCL2ValueFromConfig(out, d.OutputSpec())), nil
}

func (c *Config) resolve(ctx context.Context) (DatasourceOutput, error) {
	var templates *profile.TemplateMap
	var sources *profile.SourceImages
	p, err := profile.LoadProfile(ctx, c.Profile)
	if err == nil && c.TemplateMap != "" {
		templates, err = profile.LoadTemplateMap(ctx, c.TemplateMap)
	}
	if err == nil && c.SourceImages != "" {
		sources, err = profile.LoadSourceImages(ctx, c.SourceImages)
	}
	if err != nil {
		return DatasourceOutput{}, err
	}
	recipe, err := profile.Resolve(p, templates, sources, profile.Options{NameStyle: c.NameStyle, Metadata: c.Metadata})
	if err != nil {
		return DatasourceOutput{}, err
	}
	if recipe.SourceImage != "" && c.asksCloud() {
		if err := c.verify(ctx, recipe.SourceImage); err != nil {
			return DatasourceOutput{}, err
		}
	}
	return output(p, recipe), nil
}

func (c *Config) verify(ctx context.Context, id string) error {
	conn, err := cloud.Connect(ctx, c.Access)
	if err != nil {
		return err
	}
	defer conn.Close()
	images, err := conn.Image()
	if err != nil {
		return err
	}
	return profile.Verify(ctx, glance.New(images), id)
}
