package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func whyCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare why", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Explain why an image is used, or isn't",
		Long: "Shows for each entry whether it takes the image, which filter says so, how the tag was found, and which parameters the " +
			"image gives " +
			"in the end. The image is a part of its name, such as nova-api, or a parameter, such as ContainerNovaApiImage.",
		Examples: []sdk.Example{{Text: "Where nova-api comes from", Command: "imgctl prepare why nova-api -e containers.yaml"}},
		Args:     []sdk.Arg{sdk.One("IMAGE", "part of an image's name, or a parameter")},
		Flags:    slices.Concat(deploymentFlags(), registryFlags(), sdk.Flags{sdk.Bool("offline", "look at no labels")}),
		Columns: sdk.Columns{
			{Title: "Entry"},
			{Title: "Image"},
			{Title: "Taken"},
			{Title: "Filter"},
			{Title: "Tag"},
			{Title: "Parameters"},
			{Title: "Defined In", Hidden: true},
		},
		Run: bridge.Run(why),
	}
}

func why(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	d, err := load(in, out)
	if err != nil {
		return err
	}
	if err := d.reach(in, out); err != nil {
		return err
	}
	defer d.closes()
	d.Offline = in.Bool("offline")
	result, err := d.decide(ctx, out)
	if err != nil {
		return err
	}
	wanted := in.Arg("IMAGE")
	n := explain(out, result, wanted, "")
	for _, role := range slices.Sorted(maps.Keys(result.Roles)) {
		n += explain(out, result.Roles[role], wanted, role+" ")
	}
	if n == 0 {
		return fault.New(fault.NotFound, "give a part of an image's name, or a parameter", "no image of the list is called %q", wanted)
	}
	return nil
}

// explain shows what the result says of the images that are meant, and tells how many they are.
func explain(out *sdk.Output, result *decide.Result, wanted, role string) (n int) {
	for _, i := range result.Images {
		if !strings.Contains(i.Listed.Name, wanted) && !slices.Contains(i.Listed.Params, wanted) {
			continue
		}
		n++
		var params []string
		for _, name := range i.Listed.Params {
			if result.Params[name].Image == i {
				params = append(params, name)
			}
		}
		out.Row(entryName(role, i.Position), i.Final.String(), true, i.FilterWhy, i.TagWhy, params, i.Entry)
	}
	for _, l := range result.Left {
		if strings.Contains(l.Name, wanted) || slices.Contains(l.Params, wanted) {
			n++
			out.Row(entryName(role, l.Position), l.Name, false, l.Why, nil, []string{}, "")
		}
	}
	return n
}
