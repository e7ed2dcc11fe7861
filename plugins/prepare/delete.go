package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

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

func deleteCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare delete", Kind: sdk.Action, Danger: sdk.Destroys, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Delete an image from a registry",
		Long: "Deletes the image's manifest by its digest, and with it every tag of the repository that names the same image. " +
			"The space comes back when the registry collects its garbage. In a folder that a registry serves, only the tag is deleted; " +
			"its space comes back when the folder is pruned.",
		Examples: []sdk.Example{{Text: "From the undercloud's", Command: "imgctl prepare delete ns/openstack-nova-api:old --yes"}},
		Args:     []sdk.Arg{sdk.One("IMAGE", "PATH:TAG, with a registry or not")},
		Flags:    slices.Concat(localFlags(), registryFlags(), folderFlags()),
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
	s, err := openStores(in, c, target.Host, toRead)
	if err != nil {
		return err
	}
	defer s.close()
	if f := s.folders[image.Registry()]; f != nil {
		return removeTag(ctx, in, out, f, image)
	}
	d, found, err := c.Head(ctx, remote.Image(image))
	if err == nil && !found {
		err = fault.New(fault.NotFound, "", "image %s: not found", image)
	}
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete %s (%s) and all tags that name the same image?", image, d.Digest)
	if yes, err := confirm(ctx, in, out, image, d.Digest, question); err != nil || !yes {
		return err
	}
	return c.Delete(ctx, remote.Image(image).With(d.Digest))
}

// removeTag deletes a tag of a folder.
func removeTag(ctx context.Context, in *sdk.Input, out *sdk.Output, f *imageserve.Folder, image reference.Reference) error {
	if image.Tag == "" {
		return fault.New(fault.Usage, "name it by a tag", "image %s: only tags of a folder can be deleted", image)
	}
	digests, err := f.Named(image.Path, image.Tag)
	if err != nil {
		return err
	}
	if yes, err := confirm(ctx, in, out, image, digests[0], fmt.Sprintf("Delete the tag %s (%s)?", image, digests[0])); err != nil || !yes {
		return err
	}
	return f.Delete(ctx, image.Path, image.Tag)
}

// confirm shows what is deleted, and asks; yes is false in a dry run.
func confirm(
	ctx context.Context, in *sdk.Input, out *sdk.Output, image reference.Reference, digest, question string,
) (yes bool, err error) {
	out.Field("Image", image.String())
	out.Field("Digest", digest)
	if in.DryRun() {
		return false, nil
	}
	if yes, err = out.ConfirmDestroy(ctx, question, ""); err == nil && !yes {
		err = sdk.ErrDeclined
	}
	return yes, err
}
