package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// planColumns are the columns of images in a plan.
var planColumns = sdk.Columns{
	{Title: "Image ID", Key: "image_id"},
	{Title: "Image"},
	{Title: "Group"},
	{Title: "Stage"},
	{Title: "Action"},
	{Title: "Reason"},
	{Title: "Outcome"},
	{Title: "Since", Unit: sdk.UnitTime, Hidden: true},
	{Title: "Next"},
	{Title: "Next At", Key: "next_at", Unit: sdk.UnitTime},
	{Title: "Evidence", Hidden: true},
}

func planCommand() sdk.Command {
	return sdk.Command{
		Path: "retention plan", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds, sdk.NeedsStdin},
		Short: "Show what a policy does to the images, and why",
		Long: "Lists the images that the policy selects: their stage, what the next run does to them, why, and what comes after that. " +
			"Only reads.\n\nWith --out, the plan is written to a file, with all evidence. Look at it, and let the same command apply " +
			"it: apply checks each image again and leaves alone what has changed.",
		Examples: []sdk.Example{
			{Text: "What would happen?", Command: "imgctl --os-cloud ci retention plan --policy retention.yaml"},
			{Text: "Only what changes, for a script", Command: "imgctl --os-cloud ci retention plan --policy retention.yaml --changes " +
				"-f json"},
			{Text: "Review a plan before it is applied", Command: "imgctl --os-cloud ci retention plan --policy chameleon --out plan.json"},
		},
		Flags: append(sdk.Flags{
			policyFlag().Required(),
			sdk.File("out", "", "write the plan to this file").ValueName("FILE").Writes(),
			sdk.Bool("changes", "leave out images that are kept as they are"),
		}, surveyFlags()...),
		Columns: planColumns, Run: bridge.Run(plan),
	}
}

func plan(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	p, done, err := planned(ctx, in, retention.NewPlan)
	if err != nil {
		return err
	}
	defer done()
	if name := in.File("out"); name != "" {
		if err := wholefile.Write(name, 0o600, p.Write); err != nil {
			return fault.Bad("out", "name a file that can be written", "%w", err)
		}
	}
	p.Everything = !in.Bool("changes")
	return bridge.ShowOnly(ctx, in, out, p)
}
