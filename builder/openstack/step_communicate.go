package openstack

import (
	"context"

	"github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
)

// stepCommunicate is the SDK's step that connects, which says nothing while it waits.
type stepCommunicate struct{ *communicator.StepConnect }

func (s *stepCommunicate) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if kind := b.config.Comm.Type; kind != "none" {
		defer b.remind("connection by " + kind + " to " + b.host)()
	}
	return s.StepConnect.Run(ctx, state)
}
