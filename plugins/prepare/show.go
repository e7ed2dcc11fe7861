package main

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func showCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare show", Kind: sdk.Show, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short:    "Show what a registry knows of an image",
		Examples: []sdk.Example{{Text: "Its labels", Command: "imgctl prepare show quay.io/ns/openstack-nova-api:tag -c Labels -f json"}},
		Args:     []sdk.Arg{sdk.One("IMAGE", "REGISTRY/PATH:TAG")},
		Flags:    slices.Concat(localFlags()[1:], registryFlags()),
		Run:      bridge.Run(show),
	}
}

func show(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	image, err := reference.Parse(in.Arg("IMAGE"))
	if err != nil {
		return err
	}
	logins := map[string]registry.Login{}
	addLogin(in, out, logins, image.Registry(), "username", "password")
	c, _, err := client(in, registry.Options{Logins: logins}, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	d, found, err := c.Head(ctx, remote.Image(image))
	if err == nil && !found {
		err = fault.New(fault.NotFound, "", "image %s: not found", image)
	}
	if err != nil {
		return err
	}
	config, manifest, err := c.Config(ctx, remote.Image(image).With(d.Digest))
	if err != nil {
		return err
	}
	tags, err := c.Tags(ctx, image.Registry(), image.Repository())
	if err != nil {
		return err
	}
	layers := []string{}
	for _, l := range manifest.Layers {
		layers = append(layers, l.Digest)
	}
	out.Field("Name", image.Name())
	out.Field("Architecture", config.Architecture)
	out.Field("Created", config.Created)
	out.Field("Digest", d.Digest)
	out.Field("DockerVersion", config.DockerVersion)
	out.Field("Labels", config.Labels)
	out.Field("Layers", layers)
	out.Field("Os", config.OS)
	out.Field("RepoTags", tags)
	out.Field("Tag", image.Tag)
	return nil
}
