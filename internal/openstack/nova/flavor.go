package nova

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Flavor is the flavor with the id, else the one with the name. One list serves both; a flavor that isn't
// listed may still be allowed by its id. One that doesn't exist is fault.NotFound, with the names that do.
func Flavor(ctx context.Context, sc *gophercloud.ServiceClient, want string) (*flavors.Flavor, error) {
	option := fault.Option("flavor")
	pages, err := flavors.ListDetail(sc, nil).AllPages(ctx)
	if err != nil {
		return nil, fault.In("flavor", fmt.Errorf("listing: %w", cloud.Classify(err)))
	}
	known, err := flavors.ExtractFlavors(pages)
	if err != nil {
		return nil, fault.In("flavor", fmt.Errorf("listing: %w", err))
	}
	for _, same := range []func(f flavors.Flavor) bool{
		func(f flavors.Flavor) bool { return f.ID == want },
		func(f flavors.Flavor) bool { return f.Name == want },
	} {
		if n := slices.IndexFunc(known, same); n >= 0 {
			return &known[n], nil
		}
	}
	f, err := flavors.Get(ctx, sc, want).Extract()
	switch err := cloud.Classify(err); {
	case err == nil:
		return f, nil
	case !fault.Is(err, fault.NotFound):
		return nil, fault.New(fault.KindOf(err), "", "%s %q: %w", option, want, err)
	}
	var names []string
	for _, f := range known {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return nil, fault.New(fault.NotFound, "choose one of: "+strings.Join(names, ", "), "%s: there is no %q", option, want)
}
