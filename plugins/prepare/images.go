package main

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func listCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare list", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "List the images of a registry",
		Examples: []sdk.Example{
			{Text: "Of the undercloud's", Command: "imgctl prepare list"},
			{Text: "Of another one", Command: "imgctl prepare list --registry-url registry.example:5000 -f value"},
		},
		Flags:   slices.Concat(localFlags(), registryFlags()),
		Columns: sdk.Columns{{Title: "Image Name"}},
		Run:     bridge.Run(list),
	}
}

// local is a client for the registry of the flags.
func local(in *sdk.Input, out *sdk.Output) (*registry.Client, reference.Destination, error) {
	target, err := destination(in)
	if err != nil {
		return nil, target, err
	}
	logins := map[string]registry.Login{}
	addLogin(in, out, logins, target.Host, "username", "password")
	c, _, err := client(in, registry.Options{Logins: logins}, nil)
	return c, target, err
}

func list(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, target, err := local(in, out)
	if err != nil {
		return err
	}
	defer c.Close()
	repositories, err := c.Catalog(ctx, target.Host)
	if err != nil {
		return err
	}
	slices.Sort(repositories)
	tags := make([][]string, len(repositories))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for n, repository := range repositories {
		group.Go(func() (err error) {
			tags[n], err = c.Tags(ctx, target.Host, repository)
			if fault.Is(err, fault.NotFound) {
				return nil // deleted meanwhile, or without tags
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for n, repository := range repositories {
		slices.Sort(tags[n])
		for _, tag := range tags[n] {
			out.Row(fmt.Sprintf("docker://%s/%s:%s", target.Host, repository, tag))
		}
	}
	return nil
}

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

func deleteCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare delete", Kind: sdk.Action, Danger: sdk.Destroys, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Delete an image from a registry",
		Long: "Deletes the image's manifest by its digest, and with it every tag of the repository that names the same image. " +
			"The space comes back when the registry collects its garbage.",
		Examples: []sdk.Example{{Text: "From the undercloud's", Command: "imgctl prepare delete ns/openstack-nova-api:old --yes"}},
		Args:     []sdk.Arg{sdk.One("IMAGE", "PATH:TAG, with a registry or not")},
		Flags:    slices.Concat(localFlags(), registryFlags()),
		Run:      bridge.Run(remove),
	}
}

func remove(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	image, err := reference.Parse(in.Arg("IMAGE"))
	if err != nil {
		return err
	}
	c, target, err := local(in, out)
	if err != nil {
		return err
	}
	defer c.Close()
	if image.Host == "" || in.IsSet("registry-url") {
		image.Host = target.Host
	}
	if image.Tag == "" && image.Digest == "" {
		return fault.New(fault.Usage, "add a tag or a digest", "image %s: which one to delete isn't said", image)
	}
	d, found, err := c.Head(ctx, remote.Image(image))
	if err == nil && !found {
		err = fault.New(fault.NotFound, "", "image %s: not found", image)
	}
	if err != nil {
		return err
	}
	out.Field("Image", image.String())
	out.Field("Digest", d.Digest)
	if in.DryRun() {
		return nil
	}
	switch yes, err := out.ConfirmDestroy(ctx, fmt.Sprintf("Delete %s (%s) and all tags that name the same "+
		"image?", image, d.Digest), ""); {
	case err != nil:
		return err
	case !yes:
		return sdk.ErrDeclined
	}
	return c.Delete(ctx, remote.Image(image).With(d.Digest))
}
