package main

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/chain"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func graphCommand() sdk.Command {
	return sdk.Command{
		Path: "factory graph", Kind: sdk.List, Danger: sdk.Reads, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Show which images start from which",
		Long: "Lists the images of all profiles in the order in which they have to be built, and what each starts from, according to " +
			"the profiles and source images. An image is outdated if the image that it was built from isn't current any more.\n\n" +
			"With REBUILD_DEPENDANTS, which is on by default, a worker that has made an image current asks for the builds of those " +
			"that start from it by name.",
		Examples: []sdk.Example{
			{Text: "All images", Command: "imgctl --os-cloud demo factory graph"},
			{Text: "What is outdated?", Command: "imgctl --os-cloud demo factory graph --state outdated"},
		},
		Flags: sdk.Flags{
			configFlag(),
			sdk.Enum("state", "", "only images in this state", chain.UpToDate, chain.Outdated, chain.Missing),
		},
		Columns: sdk.Columns{
			{Title: "Order"}, {Title: "Image"}, {Title: "Starts From"}, {Title: "State"}, {Title: "Profile", Hidden: true},
		},
		Run: bridge.Run(graph),
	}
}

// chainOf says where the chain's profiles and maps are.
func chainOf(c *config.Config) (chain.Options, error) {
	o, err := configured(c)
	return chain.Options{Watch: o, SourceImages: c.SourceImages}, err
}

func graph(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := readConfig(in, out)
	if err != nil {
		return err
	}
	o, err := chainOf(c)
	if err != nil {
		return err
	}
	links, problems, err := chain.Read(ctx, o)
	if err != nil {
		return err
	}
	access, images, err := bridge.Images(ctx, in, "")
	if err != nil {
		return err
	}
	defer access.Close()
	current, err := worker.Current(ctx, promote.Site{Images: images, Project: access.Project().ID})
	if err != nil {
		return err
	}
	built := map[string]chain.Built{}
	for _, i := range current {
		built[i.Properties[worker.ImageKey]] = chain.Built{ID: i.ID, From: i.Properties["base_image_ref"]}
	}
	for _, l := range links {
		if state := l.State(built); in.String("state") == "" || state == in.String("state") {
			out.Row(l.Order, l.Image, l.Source, state, l.Profile)
		}
	}
	if len(problems) > 0 {
		return fault.New(fault.Partial, "", "%d profiles can't be used: %w", len(problems), errors.Join(problems...))
	}
	return nil
}
