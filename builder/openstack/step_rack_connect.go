package openstack

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// stepRackConnect waits for RackConnect, which changes the server's addresses.
type stepRackConnect struct{}

func (*stepRackConnect) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if !b.config.RackconnectWait {
		return multistep.ActionContinue
	}
	b.report.Step("Waiting for RackConnect")
	err := b.poll(ctx, "RackConnect", b.config.ServerTimeout, func(ctx context.Context) (bool, error) {
		s, err := servers.Get(ctx, b.compute, b.server.ID).Extract()
		if err != nil {
			return false, cloud.Classify(err)
		}
		b.server = s
		return s.Metadata["rackconnect_automation_status"] == "DEPLOYED", nil
	})
	return next(state, err)
}

func (*stepRackConnect) Cleanup(multistep.StateBag) {}
