package openstack

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// stepStop shuts down the server, from inside if shutdown_command is set.
type stepStop struct{}

func (*stepStop) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	if b.config.SkipCreateImage || b.config.LiveSnapshot {
		return multistep.ActionContinue
	}
	if b.config.ShutdownCommand != "" {
		err := b.shutDown(ctx, state)
		if err == nil || ctx.Err() != nil {
			return next(state, err)
		}
		b.report.Warn("shutdown_command didn't stop the server, cutting its power: %s", err)
	}
	b.report.Step("Stopping the server")
	return next(state, b.stop(ctx))
}

// shutDown runs shutdown_command. The connection breaks while it runs, so only the server's status says
// whether it worked.
func (b *build) shutDown(ctx context.Context, state multistep.StateBag) error {
	comm, ui := state.Get("communicator").(packersdk.Communicator), state.Get("ui").(packersdk.Ui)
	b.report.Step("Shutting the server down: %s", b.config.ShutdownCommand)
	cmd := &packersdk.RemoteCmd{Command: b.config.ShutdownCommand}
	ran := make(chan error, 1)
	go func() { ran <- cmd.RunWithUi(ctx, comm, ui) }()
	_, err := b.waitServer(ctx, b.server.ID, "server to shut down", b.config.StopTimeout, "SHUTOFF", "STOPPED")
	return err
}

// refusals is how often Nova may refuse to stop the server for no visible reason.
const refusals = 5

func (b *build) stop(ctx context.Context) error {
	id, stopped := b.server.ID, false
	var refused []error
	err := b.pollNow(ctx, "server to stop", b.config.StopTimeout, func(ctx context.Context) (bool, error) {
		err := servers.Stop(cloud.Repeatable(ctx), b.compute, id).ExtractErr()
		if err == nil {
			return true, nil
		}
		// A conflict can mean that it is already stopped, or about to be; its status will show.
		if !gophercloud.ResponseCodeIs(err, http.StatusConflict) {
			return false, fmt.Errorf("stopping server %q: %w", id, cloud.Classify(err))
		}
		refused = append(refused, cloud.Classify(err))
		s, is, err := b.serverIs(ctx, id, "SHUTOFF", "STOPPED")
		if err == nil && !is && s.TaskState == "" && len(refused) > refusals {
			return false, fmt.Errorf("stopping server %q: %w", id, refused[0])
		}
		stopped = is
		return is, err
	})
	if err != nil || stopped {
		return err
	}
	_, err = b.waitServer(ctx, id, "server to stop", b.config.StopTimeout, "SHUTOFF", "STOPPED")
	return err
}

func (*stepStop) Cleanup(multistep.StateBag) {}
