package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func listCommand() sdk.Command {
	return sdk.Command{
		Path: "share list", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "List images and the projects they are shared with",
		Long: "With --from, or without --to, lists the images of that project. With --to alone, lists the images that other projects " +
			"share with those projects, whatever their status.\n\n" +
			"The status is accepted, pending or rejected; with all three, the project can use the image by its id. none: an image " +
			"that you named isn't shared with any project. " +
			"dormant: a member without access, because the image is private; known only if imgctl suspended the share or recorded " +
			"its expiry. " +
			"unknown: the image is private, and the service doesn't list the members it keeps.\n\n" +
			"The note marks shares that have expired and, if the credentials may query Keystone, projects that no longer exist or " +
			"are disabled.\n\n" + goesOn,
		Examples: []sdk.Example{
			{Text: "Who can use which image?", Command: "imgctl share list --from source"},
			{Text: "Images shared with us, whatever their status", Command: "imgctl share list --to vex -f json"},
			{Text: "One image and one project", Command: "imgctl share list web-base --from source --to vex"},
		},
		Args: images(),
		Flags: append(selectionFlags()[:3], // all matching images are listed
			from(),
			toClouds("clouds of the projects that images are shared with"),
		),
		Columns: sdk.Columns{
			{Title: "Image ID", Key: "image_id"},
			{Title: "Image"},
			{Title: "Visibility"},
			{Title: "Project ID", Key: "project_id"},
			{Title: "Project"},
			{Title: "Cloud", Hidden: true},
			{Title: "Status"},
			{Title: "Since", Unit: sdk.UnitTime},
			{Title: "Expires", Unit: sdk.UnitTime},
			{Title: "Note"},
			{Title: "Shared At", Key: "shared_at", Unit: sdk.UnitTime, Hidden: true},
			{Title: "Owner", Hidden: true},
		},
		Run: bridge.Run(list, renamed), Complete: completeListed,
	}
}

func list(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	clouds, done := reach(in)
	defer done()
	shares, err := share.List(ctx, clouds, share.ListOptions{
		Selection: share.Selection{
			Images: in.ArgValues("IMAGE"), Glob: in.String("name-glob"), Tags: in.Strings("tag"), Properties: in.KeyValues("property"),
		},
		From: in.String("from"), To: in.Strings("to"),
	})
	for _, s := range shares {
		out.Row(s.Image.ID, s.Image.Name, s.Image.Visibility, s.ProjectID, s.Project, s.Cloud, s.Status, moment(s.UpdatedAt),
			moment(s.Expires), s.Note,
			moment(s.CreatedAt), s.Image.Owner)
	}
	return err
}
