package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func removeCommand() sdk.Command {
	return sdk.Command{
		Path: "share remove", Kind: sdk.List, Danger: sdk.Destroys, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Take projects' access to images away",
		Long: "The projects can't use the images any more, by name or by id. Servers that run go on; they can't be rebuilt from the image. " +
			"What a project had answered is forgotten.\n\n" +
			"With --expired it is the projects whose time, set with `imgctl share add --expires`, is over; without an image, on all images of the project. Run it from cron.\n\n" +
			"What can't be removed doesn't keep the rest from being removed, and nothing is given back: the command ends with exit code 3, and the same again finishes it.",
		Examples: []sdk.Example{
			{Text: "One project", Command: "imgctl share remove web-base --from source --to vex"},
			{Text: "A project that doesn't exist any more", Command: "imgctl share remove web-base --from source --to-project 1c9d3e0a5b0f4a55a7b0f0a6a1b2c3d4"},
			{Text: "Whatever has expired, without asking", Command: "imgctl share remove --expired --from source --yes"},
		},
		Args: images(),
		Flags: append(selectionFlags(),
			from(),
			toClouds("clouds of the projects"),
			toProjects("projects by id, or by name where Keystone tells it"),
			sdk.Bool("expired", "the projects whose time is over"),
			parallel(),
		),
		Columns: changeColumns,
		Run:     bridge.Run(remove), Complete: completeOwned,
	}
}

func remove(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	parallel, err := tuning(in)
	if err != nil {
		return err
	}
	clouds, done := reach(in)
	defer done()
	plan, err := share.PlanRemove(ctx, clouds, share.RemoveOptions{
		Selection: selection(in), From: in.String("from"), To: in.Strings("to"), Projects: in.Strings("to-project"),
		Expired: in.Bool("expired"), Parallel: parallel,
	})
	if err != nil {
		return err
	}
	return carryOut(ctx, in, out, plan, "Take away the access of "+plan.Losers()+"?")
}
