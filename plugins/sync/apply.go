package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func applyCommand() sdk.Command {
	return sdk.Command{
		Path: "sync apply", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds},
		Short: "Bring the images that differ, and make them current",
		Long: "Streams each image into the cloud while its checksum is computed, hidden until it is verified; then promotes it, " +
			"which archives the image before. An image that fails doesn't stop the others: exit code 3. What a run that ended " +
			"early left is finished or removed by the next one.\n\n" +
			"Only images of the project itself are changed.",
		Examples: []sdk.Example{
			{Text: "Every night", Command: "imgctl --os-cloud ci sync apply --policy sync.yaml --json-report /var/lib/imgctl/sync.json"},
			{Text: "One image", Command: "imgctl --os-cloud ci sync apply --policy site.yaml --image CC-Ubuntu24.04"},
			{Text: "By what is in it", Command: "imgctl --os-cloud ci sync apply --policy site.yaml --latest ubuntu 24.04 base"},
		},
		Args: words(), Flags: append(flags(), bridge.ScheduleFlags()...), Columns: columns, Run: bridge.Run(apply), Complete: complete,
	}
}

func apply(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	return bridge.Scheduled(in, "sync", in.File("policy"), func(run *bridge.ScheduledRun) error {
		p, done, err := planned(ctx, in)
		if err != nil {
			return err
		}
		defer done()
		err = bridge.CarryOut(ctx, in, out, p)
		p.Record(run.Run)
		return err
	})
}

func repairCommand() sdk.Command {
	return sdk.Command{
		Path: "sync repair", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Archive duplicates of a public name, and keep the newest",
		Long: "Finds names that several of the project's public images have. The newest stays current; the others are archived by " +
			"renaming, as a promotion does. Images of other projects are left alone.",
		Examples: []sdk.Example{
			{Text: "What would be archived?", Command: "imgctl --os-cloud ci sync repair --keep newest --dry-run"},
			{Text: "One name", Command: "imgctl --os-cloud ci sync repair CC-Ubuntu24.04 --keep newest"},
		},
		Args:  []sdk.Arg{sdk.Optional("NAME", "only this name").Completes(sdk.CompleteDynamically)},
		Flags: sdk.Flags{sdk.Enum("keep", "", "which one stays current", "newest").Required()},
		Columns: sdk.Columns{
			{Title: "Image"}, {Title: "Keep"}, {Title: "Archive"}, {Title: "Outcome"}, {Title: "Reason"},
		},
		Run: bridge.Run(repair), Complete: complete,
	}
}

func repair(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if in.String("keep") != "newest" {
		return fault.Bad("keep", "", "only newest is known")
	}
	c, err := bridge.Cloud(ctx, in, "")
	if err != nil {
		return err
	}
	defer c.Close()
	site, err := sync.NewSite(c)
	if err != nil {
		return err
	}
	r, err := sync.NewRepair(ctx, site, in.Arg("NAME"))
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, r)
}
