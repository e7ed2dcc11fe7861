package openstack

import (
	"slices"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"golang.org/x/crypto/ssh"
)

// preferEd25519 asks a server for its ed25519 host key first. Dropbear offers an RSA key also
// where it has none, and hangs up on a client that prefers it, as Go's does.
func preferEd25519(config func(multistep.StateBag) (*ssh.ClientConfig, error)) func(multistep.StateBag) (*ssh.ClientConfig, error) {
	return func(state multistep.StateBag) (*ssh.ClientConfig, error) {
		c, err := config(state)
		if err != nil {
			return nil, err
		}
		others := slices.DeleteFunc(ssh.SupportedAlgorithms().HostKeys, func(a string) bool { return a == ssh.KeyAlgoED25519 })
		c.HostKeyAlgorithms = append([]string{ssh.KeyAlgoED25519}, others...)
		return c, nil
	}
}
