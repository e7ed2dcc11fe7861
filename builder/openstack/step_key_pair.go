package openstack

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/packer-plugin-sdk/communicator/sshkey"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

// stepKeyPair chooses the key to log in with, and creates a temporary key pair if the template names none.
type stepKeyPair struct{}

// fallbackBits is the size of an RSA key for clouds that refuse ed25519.
const fallbackBits = 3072

func (*stepKeyPair) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	b := from(state)
	comm := &b.config.Comm
	if comm.SSHPrivateKeyFile != "" {
		key, err := comm.ReadSSHPrivateKeyFile()
		if err != nil {
			return next(state, fmt.Errorf("ssh_private_key_file: %w", err))
		}
		comm.SSHPrivateKey = key
	}
	b.keyName = comm.SSHKeyPairName
	if !b.config.needsKey() {
		return multistep.ActionContinue
	}
	kind := strings.ToLower(comm.SSHTemporaryKeyPairType)
	switch {
	case comm.Type == "winrm": // the password is encrypted for the key, which needs RSA
		kind = "rsa"
	case kind == "" && comm.SSHTemporaryKeyPairBits != 0:
		kind = "rsa"
	}
	err := b.withRoom(ctx, "key pair", func(ctx context.Context) error {
		return b.makeKey(ctx, cmp.Or(kind, "ed25519"), comm.SSHTemporaryKeyPairBits)
	})
	if kind == "" && gophercloud.ResponseCodeIs(err, http.StatusBadRequest) {
		b.report.Warn("the cloud refuses ed25519 keys, taking RSA instead: %s", cloud.Classify(err))
		err = b.makeKey(ctx, "rsa", fallbackBits)
	}
	if err != nil {
		return next(state, fmt.Errorf("creating key pair %q: %w", comm.SSHTemporaryKeyPairName, cloud.Classify(err)))
	}
	b.keyName = comm.SSHTemporaryKeyPairName
	if b.config.PackerDebug {
		return next(state, b.saveKey())
	}
	return multistep.ActionContinue
}

func (b *build) makeKey(ctx context.Context, kind string, bits int) error {
	algorithm, err := sshkey.AlgorithmString(kind)
	if err != nil {
		return err
	}
	pair, err := sshkey.GeneratePair(algorithm, nil, bits)
	if err != nil {
		return err
	}
	comm := &b.config.Comm
	comm.SSHPrivateKey, comm.SSHPublicKey = pair.Private, pair.Public
	name, public := comm.SSHTemporaryKeyPairName, string(pair.Public)
	return nova.MakeKeyPair(ctx, b.compute, b.expect(nova.KeyPairThing(b.compute, name, public)), name, public)
}

// saveKey leaves the private key for a person who debugs the build.
func (b *build) saveKey() error {
	file := fmt.Sprintf("os_%s.pem", b.config.PackerBuildName)
	if err := os.WriteFile(file, b.config.Comm.SSHPrivateKey, 0o600); err != nil {
		return fmt.Errorf("saving the key for debugging: %w", err)
	}
	b.report.Step("Saved the key for debugging as %s", file)
	return nil
}

func (*stepKeyPair) Cleanup(multistep.StateBag) {}
