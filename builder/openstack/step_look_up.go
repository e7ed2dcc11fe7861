package openstack

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
)

// stepLookUp looks up in parallel everything that the template names, and reports everything that is
// missing, before anything is created.
type stepLookUp struct{}

func (*stepLookUp) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	lookUps := []func(context.Context, *build) error{
		lookUpSource, lookUpFlavor, lookUpAttachments, lookUpGroups, lookUpFloatingNetwork,
		lookUpFloatingIP, lookUpKeyPair, lookUpWay, lookUpPredecessors, lookUpAcceptors,
	}
	errs := make([]error, len(lookUps))
	var wg sync.WaitGroup
	for n, lookUp := range lookUps {
		wg.Go(func() { errs[n] = lookUp(ctx, b) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return next(state, err)
	}
	if b.source != nil {
		b.report.Step("Source image %s, flavor %q", b.source, b.flavor.Name)
	}
	return multistep.ActionContinue
}

func (*stepLookUp) Cleanup(multistep.StateBag) {}
