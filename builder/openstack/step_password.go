package openstack

import (
	"context"
	"crypto/rsa"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// stepPassword waits for the password that a Windows guest generates, and decrypts it.
type stepPassword struct{}

func (*stepPassword) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	comm := &b.config.Comm
	if comm.Type != "winrm" || comm.WinRMPassword != "" {
		return multistep.ActionContinue
	}
	key, err := passwordKey(comm.SSHPrivateKey)
	if err != nil {
		return next(state, err)
	}
	b.report.Step("Waiting for the server's password")
	err = b.pollNow(ctx, "server's password", comm.WinRMTimeout, func(ctx context.Context) (bool, error) {
		password, err := servers.GetPassword(ctx, b.compute, b.server.ID).ExtractPassword(key)
		if err != nil {
			return false, cloud.Classify(err)
		}
		comm.WinRMPassword = password
		return password != "", nil
	})
	if err != nil {
		hint := "cloudbase-init, or another agent in the source image, has to post it to Nova's metadata service; " +
			"set winrm_password if the image has one"
		return next(state, fault.Wrap(fault.KindOf(err), hint, err))
	}
	packersdk.LogSecretFilter.Set(comm.WinRMPassword)
	if b.config.PackerDebug {
		b.report.Step("The password (shown for debugging): %s", comm.WinRMPassword)
	}
	return multistep.ActionContinue
}

// passwordKey reads the key that the password is encrypted for, which has to be RSA.
func passwordKey(private []byte) (*rsa.PrivateKey, error) {
	key, err := ssh.ParseRawPrivateKey(private)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "give an RSA key without passphrase, or winrm_password",
			fmt.Errorf("ssh_private_key_file: %w", err))
	}
	r, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fault.New(fault.Usage, "give an RSA key, or winrm_password",
			"ssh_private_key_file: a password can't be decrypted with a %T", key)
	}
	return r, nil
}

func (*stepPassword) Cleanup(multistep.StateBag) {}
