package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/label"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func tagCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare tag discover", Kind: sdk.Raw, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Find an image's tag by its labels",
		Examples: []sdk.Example{
			{Text: "The versioned tag behind a moving one", Command: "imgctl prepare tag discover --image " +
				"quay.io/t/openstack-base:current-tripleo --tag-from-label rdo_version"},
		},
		Flags: slices.Concat(sdk.Flags{
			sdk.String("image", "", "image to look at, with a tag or not").Required().ValueName("IMAGE"),
			sdk.String("tag-from-label", "rdo_version", "label that has the tag, or a template of several, such as "+
				"{version}-{release}").ValueName("LABEL"),
		}, registryFlags()),
		Run: bridge.Run(discover),
	}
}

func discover(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	image, err := reference.Parse(in.String("image"))
	if err != nil {
		return err
	}
	template, err := label.Parse(in.String("tag-from-label"))
	if err != nil {
		return err
	}
	c, _, err := client(in, registry.Options{}, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	tag, err := decide.DiscoverTag(ctx, remote.Registry{Client: c}, image, template)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out.Stdout(), tag)
	return err
}

func entryName(role string, position int) string { return fmt.Sprintf("%s%d", role, position) }
