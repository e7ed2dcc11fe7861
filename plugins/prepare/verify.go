package main

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func verifyCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare verify", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Check that images are whole where they are used",
		Long: "Checks each image that the deployment uses, or the ones named, at the registry that it is used from: its manifests, and " +
			"that each blob is there, and the same for signatures, SBOMs and whatever else that registry lists as attached to it. " +
			"With --deep, every byte is read. Exit code 8 says that something is missing or corrupt.\n\n" +
			"With --packages, it reads the images' package databases instead, and says whether the packages are in. No container runs, " +
			"and of each image only the layers down to the one with the database are fetched. " +
			"Exit code 8 says that a package isn't in.\n\n" +
			"With --running, it asks podman on this host which images its containers run. Exit code 8 says that one runs something " +
			"else than the registry has.",
		Examples: []sdk.Example{
			{Text: "After a copy", Command: "imgctl prepare verify -e containers.yaml"},
			{Text: "Whether a fix is in", Command: "imgctl prepare verify registry.example:5000/ns/openstack-nova-api:17.1-hotfix " +
				"--packages python3-nova-23.2.2"},
			{Text: "Whether this host runs it", Command: "imgctl prepare verify " +
				"registry.example:5000/ns/openstack-nova-api:17.1-hotfix --running"},
			{Text: "One image, to its last byte", Command: "imgctl prepare verify registry.example:5000/ns/openstack-nova-api:tag --deep"},
		},
		Args: []sdk.Arg{sdk.ZeroOrMore("IMAGE", "REGISTRY/PATH:TAG (default: what the deployment uses)")},
		Flags: slices.Concat(deploymentFlags(), registryFlags(), parallelFlags(), sdk.Flags{
			sdk.Bool("deep", "read every byte and check its digest"),
			sdk.Strings("packages", "check instead that the images have this package: NAME, NAME-VERSION, NAME-VERSION-RELEASE or "+
				"NAME>=VERSION").ValueName("PACKAGE"),
			sdk.Bool("running", "check instead that the containers of this host run what the registry has; without images, each "+
				"container is compared with the image that it was made from"),
			sdk.File("socket", "/run/podman/podman.sock", "socket of podman, or of docker, on this host"),
		}),
		Columns: sdk.Columns{
			{Title: "Image"},
			{Title: "State"},
			{Title: "Blobs"},
			{Title: "Bytes", Unit: sdk.UnitBytes},
			{Title: "Digest", Hidden: true},
			{Title: "Problem"},
			{Title: "Attached", Hidden: true},
		},
		Run: bridge.Run(verify),
	}
}

func verify(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o, err := limits(in)
	if err != nil {
		return err
	}
	d, err := load(in, out)
	if err != nil {
		return err
	}
	if err := d.reach(in, out); err != nil {
		return err
	}
	defer d.closes()
	var images []reference.Reference
	if !in.Bool("running") || len(in.ArgValues("IMAGE")) > 0 {
		if images, err = d.used(ctx, in, out); err != nil {
			return err
		}
	}
	if in.Bool("running") {
		return verifyRunning(ctx, in, out, d.client, images)
	}
	if in.IsSet("packages") {
		return verifyPackages(ctx, in, out, d.client, images)
	}
	bad := 0
	for _, one := range transfer.Verify(ctx, transfer.Registries(d.client), images, in.Bool("deep"), o) {
		state, problem := "whole", ""
		if one.Err != nil {
			bad++
			state, problem = "broken", one.Err.Error()
		}
		out.Row(one.Image.String(), state, one.Blobs, one.Bytes, one.Digest, problem, one.Attached)
	}
	if bad > 0 {
		return fault.New(fault.Drift, "", "%d of %d images are missing or broken", bad, len(images))
	}
	return nil
}

// used are the images of the arguments, else all that the deployment's parameters name.
func (d *deployment) used(ctx context.Context, in *sdk.Input, out *sdk.Output) (images []reference.Reference, err error) {
	for _, text := range in.ArgValues("IMAGE") {
		image, err := reference.Parse(text)
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	if len(images) > 0 {
		return images, nil
	}
	result, err := d.decide(ctx, out)
	if err != nil {
		return nil, err
	}
	for _, image := range result.All() {
		if !slices.Contains(images, image.Final) {
			images = append(images, image.Final)
		}
	}
	return images, nil
}
