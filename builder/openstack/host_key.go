package openstack

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"golang.org/x/crypto/ssh"
)

// preferEd25519 prefers a server's ed25519 host key, and takes an RSA key last. Dropbear offers an RSA key
// even if it has none, and drops clients that prefer it, as Go's may.
func preferEd25519(config func(multistep.StateBag) (*ssh.ClientConfig, error)) func(multistep.StateBag) (*ssh.ClientConfig, error) {
	return func(state multistep.StateBag) (*ssh.ClientConfig, error) {
		c, err := config(state)
		if err != nil {
			return nil, err
		}
		c.HostKeyAlgorithms = ssh.SupportedAlgorithms().HostKeys
		slices.SortStableFunc(c.HostKeyAlgorithms, func(a, b string) int { return cmp.Compare(hostKeyRank(a), hostKeyRank(b)) })
		return c, nil
	}
}

func hostKeyRank(algorithm string) int {
	switch {
	case algorithm == ssh.KeyAlgoED25519:
		return 0
	case !strings.Contains(algorithm, "rsa"):
		return 1
	}
	return 2
}
