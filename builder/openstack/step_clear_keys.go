package openstack

import (
	"context"
	"fmt"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// stepClearKeys removes the build's key from the image if ssh_clear_authorized_keys is set. The key is
// useless after the build, so a failure doesn't fail the build.
type stepClearKeys struct{}

func (*stepClearKeys) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	name := b.config.Comm.SSHTemporaryKeyPairName
	comm, ok := state.Get("communicator").(packersdk.Communicator)
	if !ok || !b.config.Comm.SSHClearAuthorizedKeys || b.config.Comm.Type != "ssh" || !b.config.needsKey() {
		return multistep.ActionContinue
	}
	b.report.Step("Removing the build's key from the image")
	for _, where := range []struct{ sudo, file string }{{"", "~/.ssh/authorized_keys"}, {"sudo ", "/root/.ssh/authorized_keys"}} {
		cmd := &packersdk.RemoteCmd{Command: fmt.Sprintf("%ssed -i '/ %s$/d' %s", where.sudo, name, where.file)}
		err := cmd.RunWithUi(ctx, comm, state.Get("ui").(packersdk.Ui))
		if err == nil && cmd.ExitStatus() != 0 {
			err = fmt.Errorf("exit status %d", cmd.ExitStatus())
		}
		if err != nil {
			b.report.Warn("the build's key %s may still be in %s: %s", name, where.file, err)
		}
	}
	return multistep.ActionContinue
}

func (*stepClearKeys) Cleanup(multistep.StateBag) {}
