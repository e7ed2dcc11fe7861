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
		Long: "With --from, or without --to: the images of that project. With --to alone: what others share with those projects, in every state.\n\n" +
			"Status is accepted, pending or rejected; all three let the project use the image by its id. none: a named image that is shared with nobody. " +
			"dormant: a member that has no access while the image is private, known because it was suspended by imgctl or had an end. " +
			"unknown: a private image, of which the service doesn't tell the members it keeps.\n\n" +
			"The note tells of projects that don't exist any more or are disabled, where the credentials may ask Keystone, and of shares whose time is over.",
		Examples: []sdk.Example{
			{Text: "Who can use what", Command: "imgctl share list --from source"},
			{Text: "What is offered to us and not accepted yet", Command: "imgctl share list --to vex -f json"},
			{Text: "One image and one project", Command: "imgctl share list web-base --from source --to vex"},
		},
		Args: images(),
		Flags: append(selectionFlags()[:3], // whatever fits is listed
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
		Run: bridge.Run(list), Complete: completeListed,
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
		out.Row(s.Image.ID, s.Image.Name, s.Image.Visibility, s.ProjectID, s.Project, s.Cloud, s.Status, moment(s.UpdatedAt), moment(s.Expires), s.Note,
			moment(s.CreatedAt), s.Image.Owner)
	}
	return err
}
