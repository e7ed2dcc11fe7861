package openstack

import (
	"context"
	"net/url"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
)

// lookUpGroups finds the security groups: the project's own, otherwise those that other projects share
// with it.
func lookUpGroups(ctx context.Context, b *build) error {
	const option, collection = "security_groups", "security-groups"
	refs := b.config.SecurityGroups
	own, err := b.find(ctx, option, collection, refs, url.Values{"project_id": {b.cloud.Project().ID}})
	if err != nil {
		return err
	}
	has := func(known []neutron.Named, ref string) bool {
		return slices.ContainsFunc(known, func(g neutron.Named) bool { return g.ID == ref || g.Name == ref })
	}
	var others []string
	for _, ref := range refs {
		if !has(own, ref) {
			others = append(others, ref)
		}
	}
	shared, err := b.find(ctx, option, collection, others, nil)
	if err != nil {
		return err
	}
	// An administrator sees the groups of all projects, and can mean one that isn't shared by its id only.
	shared = slices.DeleteFunc(shared, func(g neutron.Named) bool {
		return b.cloud.IsAdmin() && !g.Shared && !slices.Contains(others, g.ID)
	})
	for _, ref := range refs {
		known := own
		if slices.Contains(others, ref) {
			known = shared
		}
		g, err := neutron.One(option, ref, known)
		if err != nil {
			return err
		}
		if !slices.Contains(b.groups, g.ID) {
			b.groups = append(b.groups, g.ID)
		}
	}
	return nil
}
