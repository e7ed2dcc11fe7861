// Package image is Packer's data source openstack-image: it finds one image by a filter, so that
// templates need no ids, which go stale.
package image

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
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Datasource finds one image. Packer calls Configure, then Execute.
type Datasource struct{ config Config }

// timeout limits the look-up with all its retries; Packer can't cancel a data source.
const timeout = 5 * time.Minute

// ConfigSpec is the layout of the options.
func (d *Datasource) ConfigSpec() hcldec.ObjectSpec { return d.config.FlatMapstructure().HCL2Spec() }

// OutputSpec is the layout of the outputs.
func (d *Datasource) OutputSpec() hcldec.ObjectSpec {
	return (&DatasourceOutput{}).FlatMapstructure().HCL2Spec()
}

// Configure takes the options and checks them without asking the cloud.
func (d *Datasource) Configure(raws ...any) error {
	if err := decode.Options(&d.config, &config.DecodeOpts{PluginType: "openstack-image"}, decode.Empty{}, raws...); err != nil {
		return fmt.Errorf("reading the options of data source openstack-image: %w", err)
	}
	d.hideSecrets()
	return report.ForPacker(errors.Join(append(d.config.Access.Prepare(), d.config.prepare()...)...))
}

func (d *Datasource) hideSecrets() {
	for _, secret := range d.config.Secrets() {
		packer.LogSecretFilter.Set(secret)
	}
}

// Execute looks the image up.
func (d *Datasource) Execute() (cty.Value, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	found, err := d.find(ctx)
	if err != nil {
		return cty.NullVal(cty.EmptyObject), fmt.Errorf("finding the image of data source openstack-image: %w", report.ForPacker(err))
	}
	return literal.Value(hcl2helper.HCL2ValueFromConfig(output(found), d.OutputSpec())), nil
}

func (d *Datasource) find(ctx context.Context) (*glance.Image, error) {
	c, err := cloud.Connect(ctx, d.config.Access)
	if err != nil {
		return nil, err
	}
	selector, err := d.config.selector(c.Project().ID)
	if err != nil {
		return nil, err
	}
	images, err := c.Image()
	if err != nil {
		return nil, err
	}
	return glance.New(images).One(ctx, selector, d.config.MostRecent)
}
