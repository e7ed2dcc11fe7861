package openstack

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/hashicorp/packer-plugin-sdk/communicator/sshkey"
	"github.com/hashicorp/packer-plugin-sdk/multistep"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
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
	name, public := comm.SSHTemporaryKeyPairName, strings.TrimSpace(string(pair.Public))

	ours := func(ctx context.Context) (string, bool, error) {
		k, err := keypairs.Get(ctx, b.compute, name, nil).Extract()
		if gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		return name, strings.TrimSpace(k.PublicKey) == public, nil
	}
	thing := b.expect(&cloud.Thing{
		Kind: "key pair",
		Find: func(ctx context.Context) ([]string, error) {
			found, ok, err := ours(ctx)
			if err != nil || !ok {
				return nil, err
			}
			return []string{found}, nil
		},
		Delete: func(ctx context.Context, id string) error {
			return keypairs.Delete(ctx, b.compute, id, nil).ExtractErr()
		},
	})
	_, err = cloud.Create(ctx, func(ctx context.Context) (string, error) {
		return name, keypairs.Create(ctx, b.compute, keypairs.CreateOpts{Name: name, PublicKey: public}).Err
	}, ours)
	return settle(thing, name, err)
}

// settle records how a create ended: with the object, without it, or unknown.
func settle(thing *cloud.Thing, id string, err error) error {
	switch {
	case err == nil:
		thing.Made(id)
	case !cloud.OutcomeUnknown(err):
		thing.Keep()
	}
	return err
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
