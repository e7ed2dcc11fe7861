package openstack

import (
	"context"
	"fmt"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// stepImport has the cloud download the source image from a URL.
type stepImport struct{}

func (*stepImport) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if b.config.ExternalSourceImageURL == "" {
		return multistep.ActionContinue
	}
	b.report.Step("Importing %s", b.config.ExternalSourceImageURL)
	if err := b.importSource(ctx); err != nil {
		return next(state, fmt.Errorf("external_source_image_url: %w", err))
	}
	return multistep.ActionContinue
}

func (b *build) importSource(ctx context.Context) error {
	name := staging(b.config.run) + "-source"
	attributes := map[string]any{
		"name": name, "container_format": "bare", "disk_format": b.config.ExternalSourceImageFormat,
		"visibility": glance.Private,
	}
	for k, v := range b.config.ExternalSourceImageProperties {
		attributes[k] = v
	}
	for k, v := range b.marks() {
		attributes[k] = v
	}
	thing := b.expectUsed(&cloud.Thing{
		Kind: "imported source image",
		Find: func(ctx context.Context) ([]string, error) {
			found, err := b.images.Images(ctx, glance.Query{Name: name, Owner: b.cloud.Project().ID})
			var ids []string
			for _, img := range found {
				ids = append(ids, img.ID)
			}
			return ids, err
		},
		Delete: b.images.Delete,
	})
	img, err := b.images.Create(ctx, attributes, cloud.RunKey, string(b.config.run))
	if err != nil {
		return thing.Settle("", err)
	}
	thing.Made(img.ID)
	err = b.images.Import(ctx, img.ID, glance.ImportMethod{Name: "web-download", URI: b.config.ExternalSourceImageURL},
		b.config.ImportTimeout)
	if err == nil {
		b.source, err = b.images.Image(ctx, img.ID)
	}
	return err
}

func (*stepImport) Cleanup(multistep.StateBag) {}
