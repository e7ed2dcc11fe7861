package openstack

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// stepConnect authenticates and makes the service clients.
type stepConnect struct{}

func (*stepConnect) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return next(state, connect(ctx, from(state)))
}

func connect(ctx context.Context, b *build) (err error) {
	if b.cloud, err = cloud.Connect(ctx, b.config.Access); err != nil {
		return err
	}
	b.report.Step("Connected to %s, project %s", b.cloud.Name(), b.cloud.Project().Name)
	if b.compute, err = b.cloud.Compute(); err != nil {
		return err
	}
	if b.network, err = b.cloud.Network(); err != nil {
		return err
	}
	imageAPI, err := b.cloud.Image()
	if err != nil {
		return err
	}
	b.images = glance.New(imageAPI)
	if b.config.UseBlockStorageVolume {
		b.volume, err = b.cloud.BlockStorage()
	}
	return err
}

func (*stepConnect) Cleanup(multistep.StateBag) {}
