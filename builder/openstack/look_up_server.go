package openstack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// lookUpFlavor takes the flavor with the id, else the one with the name. One list serves both; a
// flavor that isn't listed may still be allowed by its id.
func lookUpFlavor(ctx context.Context, b *build) error {
	pages, err := flavors.ListDetail(b.compute, nil).AllPages(ctx)
	if err != nil {
		return fmt.Errorf("flavor: listing: %w", cloud.Classify(err))
	}
	known, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return fmt.Errorf("flavor: listing: %w", err)
	}
	want := b.config.Flavor
	for _, same := range []func(f flavors.Flavor) bool{
		func(f flavors.Flavor) bool { return f.ID == want },
		func(f flavors.Flavor) bool { return f.Name == want },
	} {
		if n := slices.IndexFunc(known, same); n >= 0 {
			b.flavor = &known[n]
			return nil
		}
	}
	f, err := flavors.Get(ctx, b.compute, want).Extract()
	if err := cloud.Classify(err); err != nil && !fault.Is(err, fault.NotFound) {
		return fmt.Errorf("flavor %q: %w", want, err)
	}
	if err != nil {
		var names []string
		for _, f := range known {
			names = append(names, f.Name)
		}
		slices.Sort(names)
		return fault.New(fault.NotFound, "choose one of: "+strings.Join(names, ", "), "flavor: there is no %q", want)
	}
	b.flavor = f
	return nil
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
