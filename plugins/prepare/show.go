package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
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
		Flags:    slices.Concat(localFlags()[1:], registryFlags(), folderFlags()),
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
	s, err := openStores(in, c, image.Registry(), toRead)
	if err != nil {
		return err
	}
	defer s.close()
	var config registry.Config
	var manifest *registry.Manifest
	var digest string
	var tags []string
	if f := s.folders[image.Registry()]; f != nil {
		digest, config, manifest, tags, err = inFolder(ctx, imageserve.Images{Folder: f}, image)
	} else {
		digest, config, manifest, tags, err = inRegistry(ctx, c, image)
	}
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
	out.Field("Digest", digest)
	out.Field("DockerVersion", config.DockerVersion)
	out.Field("Labels", config.Labels)
	out.Field("Layers", layers)
	out.Field("Os", config.OS)
	out.Field("RepoTags", tags)
	out.Field("Tag", image.Tag)
	return nil
}

// inRegistry is what the image's registry knows of it.
func inRegistry(ctx context.Context, c *registry.Client, image reference.Reference) (
	digest string, config registry.Config, manifest *registry.Manifest, tags []string, err error,
) {
	d, found, err := c.Head(ctx, remote.Image(image))
	if err == nil && !found {
		err = fault.New(fault.NotFound, "", "image %s: not found", image)
	}
	if err == nil {
		config, manifest, err = c.Config(ctx, remote.Image(image).With(d.Digest))
	}
	if err == nil {
		tags, err = c.Tags(ctx, image.Registry(), image.Repository())
	}
	return d.Digest, config, manifest, tags, err
}

// inFolder is what a folder has of the image.
func inFolder(ctx context.Context, f imageserve.Images, image reference.Reference) (
	digest string, config registry.Config, manifest *registry.Manifest, tags []string, err error,
) {
	at := registry.Image{Repository: f.Repository(image), Identifier: image.Identifier()}
	if manifest, err = f.Manifest(ctx, at); err != nil {
		return "", config, nil, nil, err
	}
	digest = manifest.Digest
	if manifest.IsIndex() {
		child, err := manifest.Preferred()
		if err != nil {
			return "", config, nil, nil, err
		}
		if manifest, err = f.Manifest(ctx, at.With(child.Digest)); err != nil {
			return "", config, nil, nil, err
		}
	}
	body, err := f.Blob(ctx, "", at.Repository, manifest.Config)
	if err != nil {
		return "", config, nil, nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxConfig))
	if err == nil {
		config, err = registry.ParseConfig(text)
	}
	if err == nil {
		tags, err = f.Tags(at.Repository)
	}
	if err != nil {
		err = fmt.Errorf("image %s: %w", image, err)
	}
	return digest, config, manifest, tags, err
}

// maxConfig is how large a configuration may be.
const maxConfig = 8 << 20
