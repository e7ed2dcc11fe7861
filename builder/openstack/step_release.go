package openstack

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
)

// stepRelease begins to remove all that was needed up to the image. Nothing waits for it before
// the image is published.
type stepRelease struct{}

func (*stepRelease) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	b.left.Start(ctx, b.config.CleanupTimeout, b.things...)
	return multistep.ActionContinue
}

func (*stepRelease) Cleanup(multistep.StateBag) {}
