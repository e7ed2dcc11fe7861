package openstack

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
)

// stepRelease starts removing everything that was only needed to make the image. Publishing doesn't wait
// for it.
type stepRelease struct{}

func (*stepRelease) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	b.left.Start(ctx, b.config.CleanupTimeout, b.things...)
	return multistep.ActionContinue
}

func (*stepRelease) Cleanup(multistep.StateBag) {}
