package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// complete suggests the values of flags: node types, nodes, images, runs and checks.
func complete(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	var suggestions []sdk.Suggestion
	add := func(value, help string) {
		if value != "" && strings.HasPrefix(value, what.Prefix) {
			suggestions = append(suggestions, sdk.Suggestion{Value: value, Help: help})
		}
	}
	if what.Flag == "check" {
		for _, name := range baremetal.Checks {
			add(name, "")
		}
		return suggestions, nil
	}
	s, done, err := reach(ctx, in, "", false)
	if err != nil {
		return nil, bridge.Problem(err)
	}
	defer done()
	switch what.Flag {
	case "kernel", "ramdisk", "image":
		err = images(ctx, s, what.Flag, add)
	case "run":
		var past []baremetal.Past
		past, err = s.History(ctx, baremetal.Selection{})
		for _, p := range past {
			add(p.Run, p.Action+" "+p.State)
		}
	default:
		err = nodes(ctx, s, what.Flag, add)
	}
	if err != nil {
		return nil, bridge.Problem(err)
	}
	slices.SortStableFunc(suggestions, func(a, b sdk.Suggestion) int { return strings.Compare(a.Value, b.Value) })
	return slices.CompactFunc(suggestions, func(a, b sdk.Suggestion) bool { return a.Value == b.Value }), nil
}

func nodes(ctx context.Context, s *baremetal.Site, flag string, add func(value, help string)) error {
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	if flag == "node-type" {
		for _, t := range baremetal.Types(all) {
			add(t, "")
		}
		return nil
	}
	for _, n := range all {
		add(cmp.Or(n.Name, n.ID), n.ProvisionState)
	}
	return nil
}

// images suggests the owner's images; of kernels and ramdisks those that say what they are.
func images(ctx context.Context, s *baremetal.Site, flag string, add func(value, help string)) error {
	found, err := s.Images.Images(ctx, glance.Query{Owner: s.Owner})
	if err != nil {
		return err
	}
	for _, img := range found {
		role := img.Properties[baremetal.RoleKey]
		if flag == "image" && role == "" || flag == "kernel" && role == baremetal.Kernel ||
			flag == "ramdisk" && role != "" && role != baremetal.Kernel {
			add(img.Name, img.ID)
		}
	}
	return nil
}
