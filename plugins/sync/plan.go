package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/sync"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// columns are those of a plan.
var columns = sdk.Columns{
	{Title: "Image"},
	{Title: "Release"},
	{Title: "Action"},
	{Title: "Reason"},
	{Title: "Outcome"},
	{Title: "Image ID", Key: "image_id"},
	{Title: "Size", Unit: sdk.UnitBytes},
	{Title: "From", Hidden: true},
}

func planCommand() sdk.Command {
	return sdk.Command{
		Path: "sync plan", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds},
		Short: "Show which images would be brought, and why",
		Long: "Reads the stores and the project's images, and lists what differs. Downloads no image, and changes nothing. " +
			"Exit code 3 means that some of the stores or images can't be used.",
		Examples: []sdk.Example{
			{Text: "What is new?", Command: "imgctl --os-cloud ci sync plan --policy sync.yaml"},
			{Text: "Of Chameleon's store, with its site.yaml", Command: "imgctl --os-cloud ci sync plan --policy site.yaml --scope dev"},
		},
		Args: words(), Flags: flags(), Columns: columns, Run: bridge.Run(plan), Complete: complete,
	}
}

func plan(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	p, done, err := planned(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	return bridge.ShowOnly(ctx, in, out, p)
}

func statusCommand() sdk.Command {
	return sdk.Command{
		Path: "sync status", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds},
		Short: "Compare all images with what the stores have",
		Long:  "Lists all images that the stores offer, up to date or not. Exit code 8 means that some are to be brought.",
		Examples: []sdk.Example{
			{Text: "For monitoring", Command: "imgctl --os-cloud ci sync status --policy sync.yaml -f json"},
		},
		Args: words(), Flags: flags(), Columns: columns, Run: bridge.Run(status), Complete: complete,
	}
}

func status(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	p, done, err := planned(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	p.Everything = true
	if err := bridge.ShowOnly(ctx, in, out, p); err != nil {
		return err
	}
	return p.Drift()
}

// planned plans what the flags ask for. The plan needs its clouds until done is called.
func planned(ctx context.Context, in *sdk.Input) (*sync.Plan, func(), error) {
	o, site, done, err := options(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	p, err := sync.NewPlan(ctx, site, o)
	if err != nil {
		done()
		return nil, nil, err
	}
	return p, done, nil
}
