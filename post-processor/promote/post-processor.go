// Package promote is Packer's door to internal/image/promote: the post-processor openstack-promote.
package promote

import (
	"context"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// PostProcessor makes a build's image the current one of its name.
type PostProcessor struct{ config Config }

// ConfigSpec describes the block's options to Packer.
func (p *PostProcessor) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

// Configure reads and checks the options. It makes no network request.
func (p *PostProcessor) Configure(raws ...any) error {
	if err := p.config.decode(raws...); err != nil {
		return err
	}
	packersdk.LogSecretFilter.Set(p.config.Secrets()...)
	return nil
}

// PostProcess promotes the image and passes it on; the image is kept whatever happens.
func (p *PostProcessor) PostProcess(
	ctx context.Context, ui packersdk.Ui, source packersdk.Artifact,
) (packersdk.Artifact, bool, bool, error) {
	const keep, mustKeep = true, true
	promoted, err := p.promote(ctx, ui, source)
	return promoted, keep, mustKeep, report.ForPacker(err)
}

// promote returns source if nothing was changed.
func (p *PostProcessor) promote(ctx context.Context, ui packersdk.Ui, source packersdk.Artifact) (packersdk.Artifact, error) {
	options, err := p.config.options(source)
	if err != nil {
		return source, err
	}
	site, main, err := p.config.site(ctx)
	if err != nil {
		return source, err
	}
	defer main.Close()
	options.Check = p.config.check(main)
	plan, err := promote.NewPlan(ctx, site, options)
	if err != nil {
		return source, err
	}
	promotion := plan.On(site)
	if err := change.InPacker(ctx, ui, promotion, p.config.DryRun); err != nil || p.config.DryRun {
		return source, err
	}
	return &artifact{Artifact: source, result: *promotion.Result, region: main.Region()}, nil
}

// check is the boot test, nil without one.
func (c *Config) check(in *cloud.Cloud) *promote.Check {
	if c.BootTest == nil {
		return nil
	}
	return &promote.Check{
		What: "boot test: " + strings.Join(c.BootTest.Options().Signs(), ", "),
		Run: func(ctx context.Context, img *glance.Image, rep report.Reporter) error {
			return c.BootTest.Test(ctx, in, img.ID, rep)
		},
	}
}

// site connects to the cloud, and to the clouds that accept on their members' behalf.
func (c *Config) site(ctx context.Context) (promote.Site, *cloud.Cloud, error) {
	main, images, err := connect(ctx, c.Access)
	if err != nil {
		return promote.Site{}, nil, err
	}
	site := promote.Site{
		Images: images, Project: main.Project().ID, Admin: main.IsAdmin(),
		Acceptors: map[string]*glance.Client{}, Run: string(cloud.NewRun()),
	}
	for _, name := range c.AcceptWith {
		member, images, err := connect(ctx, cloud.Other(name))
		if err != nil {
			return promote.Site{}, nil, fault.In("accept_with", err)
		}
		site.Acceptors[member.Project().ID] = images
	}
	return site, main, nil
}

func connect(ctx context.Context, access cloud.Access) (*cloud.Cloud, *glance.Client, error) {
	c, err := cloud.Connect(ctx, access)
	if err != nil {
		return nil, nil, err
	}
	sc, err := c.Image()
	if err != nil {
		return nil, nil, err
	}
	return c, glance.New(sc), nil
}
