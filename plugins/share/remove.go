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
		Short: "Remove projects' access to images",
		Long: "The projects can no longer use the images, by name or by id. Running servers keep running, but can't be rebuilt from " +
			"the image. " +
			"The projects' statuses are lost.\n\n" +
			"--expired removes the projects whose access, set with `imgctl share add --expires`, has expired; without IMAGE, on all " +
			"images of the project. Run it from cron.\n\n" +
			"If a removal fails, the others still happen and nothing is rolled back; the exit code is 3. Run the same command again " +
			"to finish.",
		Examples: []sdk.Example{
			{Text: "One project", Command: "imgctl share remove web-base --from source --to vex"},
			{
				Text:    "A project that no longer exists",
				Command: "imgctl share remove web-base --from source --to-project 1c9d3e0a5b0f4a55a7b0f0a6a1b2c3d4",
			},
			{Text: "All expired shares, without a prompt", Command: "imgctl share remove --expired --from source --yes"},
		},
		Args: images(),
		Flags: append(selectionFlags(),
			from(),
			toClouds("clouds of the projects"),
			toProjects("projects, by id, or by name if the credentials may query Keystone"),
			sdk.Bool("expired", "the projects whose access has expired"),
			parallel(),
		),
		Columns: changeColumns,
		Run:     bridge.Run(remove, renamed), Complete: completeOwned,
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
	return bridge.CarryOut(ctx, in, out, plan)
}
