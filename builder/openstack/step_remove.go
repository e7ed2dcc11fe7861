package openstack

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
)

// stepRemove is the first step, so that its clean-up is the last: it removes everything that the build
// created, in parallel and with a deadline of its own.
type stepRemove struct{}

func (*stepRemove) Run(context.Context, multistep.StateBag) multistep.StepAction {
	return multistep.ActionContinue
}

func (*stepRemove) Cleanup(state multistep.StateBag) {
	b := from(state)
	if b.cloud == nil {
		return
	}
	defer b.cloud.Close()
	if err := b.left.Remove(context.Background(), b.config.CleanupTimeout); err != nil {
		b.report.Warn("the build couldn't remove all that it made; later, `imgctl sweep --run %s --apply` does:\n%s", b.config.run, err)
	}
}
