package openstack

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// stepProvision lets the provisioners work on the server; after a failure its clean-up runs the
// template's error-cleanup-provisioner.
type stepProvision struct{}

func (s *stepProvision) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	return next(state, s.hook(ctx, state, packersdk.HookProvision))
}

// hook runs the provisioners. When cancelled, it doesn't wait for one that doesn't end.
func (*stepProvision) hook(ctx context.Context, state multistep.StateBag, name string) error {
	comm, _ := state.Get("communicator").(packersdk.Communicator)
	ui := state.Get("ui").(packersdk.Ui)
	data := provisionData(state)
	state.Put("generated_data", data)
	done := make(chan error, 1)
	go func() { done <- state.Get("hook").(packersdk.Hook).Run(ctx, name, ui, comm, data) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("provisioning: %w", context.Cause(ctx))
	}
}

func (s *stepProvision) Cleanup(state multistep.StateBag) {
	cause, failed := state.Get("error").(error)
	if !failed {
		return
	}
	if err := s.hook(context.Background(), state, packersdk.HookCleanupProvision); err != nil {
		state.Put("error", fmt.Errorf("%w (and cleaning up after it: %w)", cause, err))
	}
}

// provisionData are the variables that provisioners know by Packer's names, besides our own.
func provisionData(state multistep.StateBag) map[string]any {
	data, _ := state.Get("generated_data").(map[string]any)
	if data == nil {
		data = map[string]any{}
	}
	data["ID"] = state.Get("instance_id")
	data["PackerRunUUID"] = os.Getenv("PACKER_RUN_UUID")
	// Provisioners compare with these values to see that there is no HTTP server.
	data["PackerHTTPIP"] = "ERR_HTTP_IP_NOT_IMPLEMENTED_BY_BUILDER"
	data["PackerHTTPPort"] = "ERR_HTTP_PORT_NOT_IMPLEMENTED_BY_BUILDER"
	data["PackerHTTPAddr"] = "ERR_HTTP_ADDR_NOT_IMPLEMENTED_BY_BUILDER"
	if comm, ok := state.Get("communicator_config").(*communicator.Config); ok {
		data["Host"], data["Port"] = comm.Host(), comm.Port()
		data["User"], data["Password"], data["WinRMPassword"] = comm.User(), comm.Password(), comm.WinRMPassword
		data["ConnType"] = comm.Type
		data["SSHPublicKey"], data["SSHPrivateKey"] = string(comm.SSHPublicKey), string(comm.SSHPrivateKey)
		data["SSHPrivateKeyFile"], data["SSHAgentAuth"] = comm.SSHPrivateKeyFile, comm.SSHAgentAuth
	}
	return data
}
