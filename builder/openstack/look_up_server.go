package openstack

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/nova"
)

func lookUpFlavor(ctx context.Context, b *build) (err error) {
	b.flavor, err = nova.Flavor(ctx, b.compute, b.config.Flavor)
	return err
}

// lookUpKeyPair checks that an existing key pair is there.
func lookUpKeyPair(ctx context.Context, b *build) error {
	name := b.config.Comm.SSHKeyPairName
	if name == "" || b.config.Comm.Type == "none" {
		return nil
	}
	_, err := keypairs.Get(ctx, b.compute, name, nil).Extract()
	if err := cloud.Classify(err); fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.NotFound, "upload it, or leave ssh_keypair_name out for a temporary one",
			fmt.Errorf("ssh_keypair_name: there is no key pair %q", name))
	} else if err != nil {
		return fmt.Errorf("ssh_keypair_name: %w", err)
	}
	return nil
}
