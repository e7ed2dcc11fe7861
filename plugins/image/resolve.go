package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func resolveCommand() sdk.Command {
	return sdk.Command{
		Path: "image resolve", Kind: sdk.Show, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Show which image to use in place of an old one",
		Long: "Follows the replacements that are written on images (imgctl_replaced_by, and imgctl_archived_by of promotions) from an " +
			"image, given by id or name, to the one to use now. It is the image itself if nothing replaces it.",
		Examples: []sdk.Example{{
			Text:    "Boot what replaces an image",
			Command: "imgctl --os-cloud ci image resolve 5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4 -f value -c id",
		}},
		Args: []sdk.Arg{sdk.One("IMAGE", "id or name").Completes(sdk.CompleteDynamically)},
		Run:  bridge.Run(resolve), Complete: completeNames,
	}
}

func resolve(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := bridge.Cloud(ctx, in, "")
	if err != nil {
		return err
	}
	defer c.Close()
	site, err := retention.NewSite(c, nil)
	if err != nil {
		return err
	}
	img, via, err := retention.Resolve(ctx, site, in.Arg("IMAGE"))
	if err != nil {
		return err
	}
	replaces := make([]string, 0, len(via))
	for _, v := range via {
		replaces = append(replaces, v.ID)
	}
	out.Field("id", img.ID)
	out.Field("name", img.Name)
	out.Field("status", img.Status)
	out.Field("created", img.CreatedAt)
	out.Field("replaces", replaces)
	return nil
}
