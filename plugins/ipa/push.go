package main

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// nodeColumns are the nodes that a command changes.
var nodeColumns = sdk.Columns{
	{Title: "Node ID", Key: "node_id"},
	{Title: "Node"},
	{Title: "State"},
	{Title: "Kernel Before", Key: "kernel_before", Hidden: true},
	{Title: "Ramdisk Before", Key: "ramdisk_before", Hidden: true},
	{Title: "Kernel"},
	{Title: "Ramdisk"},
	{Title: "Detail"},
}

// rolloutFlags say how a pair is rolled out.
func rolloutFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Int("canary", 1, "how many nodes to change first, one by one").ValueName("N"),
		sdk.String("batch", "10%", "how many nodes to change at a time after that, as a number or a percentage").ValueName("N"),
		sdk.Int("max-fail", 0, "how many nodes may fail before the rest is left alone").ValueName("N"),
		sdk.Bool("include-active", "also change active nodes; they use the ramdisk when they are cleaned"),
		sdk.Bool("include-maintenance", "also change nodes in maintenance"),
		sdk.Duration("retry-for", baremetal.DefaultPatience, "how long to wait for nodes that are locked or changing their state"),
		sdk.Bool("doni", "also write Chameleon's Doni, whose next sync would otherwise undo the push"),
	}
}

func rollout(in *sdk.Input) baremetal.PushOptions {
	return baremetal.PushOptions{
		Selection: selection(in), PairOptions: pair(in), Canary: in.Int("canary"), Batch: in.String("batch"), MaxFail: in.Int("max-fail"),
		Active: in.Bool("include-active"), Maintenance: in.Bool("include-maintenance"), Patience: in.Duration("retry-for"),
	}
}

func pushCommand() sdk.Command {
	return sdk.Command{
		Path: "ipa push", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Roll a deploy ramdisk out to the nodes of a type",
		Long: "Sets kernel and ramdisk on each node in one request, keeps the values before in the node's extra, and asks Ironic to " +
			"validate the first nodes of each kind. Begins with canaries, and goes on in batches. A node that fails " +
			"gets its own images back; if more than --max-fail fail, the rest is left alone, and the exit code is 3. Nodes that are " +
			"locked or changing their state are tried again until --retry-for is over.\n\n" +
			"Run it again after a failure: nodes that have the images are left alone. `imgctl ipa rollback --run` undoes it.",
		Examples: []sdk.Example{
			{Text: "Show what would change", Command: "imgctl --os-cloud admin ipa push --node-type compute_skylake --dry-run"},
			{
				Text: "Roll out these images, 20 nodes at a time",
				Command: "imgctl --os-cloud admin ipa push --node-type compute_skylake --kernel ipa-kernel-9 " +
					"--ramdisk ipa-ramdisk-9 --batch 20",
			},
		},
		Flags: slices.Concat(nodeFlags(), pairFlags(), rolloutFlags()), Columns: nodeColumns,
		Run: bridge.Run(push), Complete: complete,
	}
}

func push(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if err := positive(in, "retry-for"); err != nil {
		return err
	}
	s, done, err := reach(ctx, in, in.String("image-owner"), in.Bool("doni"))
	if err != nil {
		return err
	}
	defer done()
	plan, err := baremetal.NewPush(ctx, s, rollout(in))
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, plan)
}
