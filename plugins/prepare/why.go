package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
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
			"in the end. The image is a part of its name, such as nova-api, its whole name at its source or in " +
			"the parameters, or a parameter, such as ContainerNovaApiImage.",
		Examples: []sdk.Example{{Text: "Where nova-api comes from", Command: "imgctl prepare why nova-api -e containers.yaml"}},
		Args:     []sdk.Arg{sdk.One("IMAGE", "name of an image, or part of it, or a parameter")},
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
	for n, wanted := range names(in.Arg("IMAGE")) {
		if explainAll(out, result, wanted) > 0 {
			if n > 0 {
				out.Textf("No image is called %s; these have %s in their name", in.Arg("IMAGE"), wanted)
			}
			return nil
		}
	}
	return fault.New(fault.NotFound, "give a part of an image's name, or a parameter", "no image of the list is called %q", in.Arg("IMAGE"))
}

// names are the image as the user names it, then without its tag, and then its last word alone: where it comes from
// and its tag may be what the user wants to find out.
func names(image string) []string {
	image = strings.TrimPrefix(image, "docker://")
	all := []string{image}
	if r, err := reference.Parse(image); err == nil {
		all = append(all, r.Name(), r.Base())
	}
	return slices.Compact(all)
}

// explainAll is explain for the deployment and its roles.
func explainAll(out *sdk.Output, result *decide.Result, wanted string) int {
	n := explain(out, result, wanted, "")
	for _, role := range slices.Sorted(maps.Keys(result.Roles)) {
		n += explain(out, result.Roles[role], wanted, role+" ")
	}
	return n
}

// meant reports whether the user may mean the image: by part of its name in the list, by its name at its source or in
// the parameters, or by a parameter.
func meant(i *decide.Image, wanted string) bool {
	return strings.Contains(i.Listed.Name, wanted) || slices.Contains(i.Listed.Params, wanted) ||
		slices.ContainsFunc([]reference.Reference{i.Start, i.Source, i.Target, i.Final}, func(r reference.Reference) bool {
			return r.Path != "" && strings.Contains(r.String(), wanted)
		})
}

// explain shows what the result says of the images that are meant, and tells how many they are.
func explain(out *sdk.Output, result *decide.Result, wanted, role string) (n int) {
	for _, i := range result.Images {
		if !meant(i, wanted) {
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
