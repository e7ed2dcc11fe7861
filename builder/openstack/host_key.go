package openstack

import (
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/guest"
)

// preferEd25519 asks a server for its host key as guest.HostKeys says.
func preferEd25519(config func(multistep.StateBag) (*ssh.ClientConfig, error)) func(multistep.StateBag) (*ssh.ClientConfig, error) {
	return func(state multistep.StateBag) (*ssh.ClientConfig, error) {
		c, err := config(state)
		if err != nil {
			return nil, err
		}
		c.HostKeyAlgorithms = guest.HostKeys()
		return c, nil
	}
}
