package openstack

import (
	"context"
	"errors"

	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
)

// stepTrial boots a server from the captured image. An image that fails stays, hidden, so that one can find out
// why.
type stepTrial struct{}

func (*stepTrial) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if b.image == nil || b.config.BootTest == nil {
		return multistep.ActionContinue
	}
	// The build's server may still take up the quota.
	err := b.withRoom(ctx, "boot test's server", func(ctx context.Context) error {
		return b.config.BootTest.Test(ctx, b.cloud, b.image.ID, b.report)
	})
	if _, failed := errors.AsType[*boottest.Failure](err); failed {
		b.imageMade.Keep()
		return next(state, fault.Wrap(fault.KindOf(err), fault.Advise(
			"look into image %s, which stays hidden until %s removes it after %s", b.image.ID, fault.Do("sweep", ""),
			b.deadline.UTC().Format("2006-01-02 15:04 MST")), err))
	}
	if err == nil {
		b.image, err = b.images.Image(ctx, b.image.ID)
	}
	return next(state, err)
}

func (*stepTrial) Cleanup(multistep.StateBag) {}
