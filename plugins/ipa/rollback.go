package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func rollbackCommand() sdk.Command {
	return sdk.Command{
		Path: "ipa rollback", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Give nodes back the ramdisks they had before a run",
		Long: "Undoes a push, on each node with its own values from before; values that weren't set are unset again. Ends a test whose " +
			"run was killed: the node gets its images back, the instance ends, and the node is cleaned until it is available.\n\n" +
			"Works from any machine: all that it needs is on the nodes. If something else has changed a node since, the node is left " +
			"alone unless you set --force.",
		Examples: []sdk.Example{
			{Text: "Undo a push", Command: "imgctl --os-cloud admin ipa rollback --run 5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4"},
			{Text: "Restore one node, whatever run changed it last", Command: "imgctl --os-cloud admin ipa rollback --node node-1"},
		},
		Flags: sdk.Flags{
			sdk.String("run", "", "undo what this run did to all its nodes").ValueName("ID").Completes(sdk.CompleteDynamically),
			sdk.Strings("node", "undo the last run of this node, by name or UUID").ValueName("NODE").Completes(sdk.CompleteDynamically),
			sdk.Bool("force", "also restore nodes that something else has changed since"),
			sdk.Duration("clean-timeout", baremetal.DefaultClean, "how long cleaning may take"),
			sdk.Duration("retry-for", baremetal.DefaultPatience, "how long to wait for nodes that are locked or changing their state"),
			sdk.Bool("doni", "also restore the values in Chameleon's Doni"),
		},
		Columns: nodeColumns,
		Run:     bridge.Run(rollback), Complete: complete,
	}
}

func rollback(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if err := positive(in, "clean-timeout", "retry-for"); err != nil {
		return err
	}
	s, done, err := reach(ctx, in, "", in.Bool("doni"))
	if err != nil {
		return err
	}
	defer done()
	plan, err := baremetal.NewRollback(ctx, s, baremetal.RollbackOptions{
		Run: in.String("run"), Nodes: in.Strings("node"), Force: in.Bool("force"), Patience: in.Duration("retry-for"),
		Clean: in.Duration("clean-timeout"),
	})
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, plan)
}
