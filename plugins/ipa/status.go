package main

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func statusCommand() sdk.Command {
	return sdk.Command{
		Path: "ipa status", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Show each node's deploy ramdisk, and where nodes differ",
		Long: "The source is node: the node names both images; default: it names none, and the conductor's configuration counts, which " +
			"the API doesn't show; half: one is missing, and the node can't be deployed.\n\n" +
			"Drift marks nodes that differ from most nodes of their type. If you give --kernel and --ramdisk, it marks nodes that " +
			"don't have them, and the exit code is 8 if there is one.",
		Examples: []sdk.Example{
			{Text: "All nodes", Command: "imgctl --os-cloud admin ipa status"},
			{
				Text:    "Does each node of a type have these images?",
				Command: "imgctl --os-cloud admin ipa status --node-type compute_skylake --kernel ipa-kernel-9 --ramdisk ipa-ramdisk-9",
			},
		},
		Flags: slices.Concat(nodeFlags(), pairFlags()[:3]),
		Columns: sdk.Columns{
			{Title: "Node ID", Key: "node_id", Hidden: true},
			{Title: "Node"},
			{Title: "Type"},
			{Title: "State"},
			{Title: "Source"},
			{Title: "Kernel"},
			{Title: "Ramdisk"},
			{Title: "Build"},
			{Title: "Drift"},
			{Title: "Run"},
			{Title: "Since", Unit: sdk.UnitTime, Hidden: true},
			{Title: "Note"},
			{Title: "Kernel ID", Key: "kernel_id", Hidden: true},
			{Title: "Ramdisk ID", Key: "ramdisk_id", Hidden: true},
		},
		Run: bridge.Run(status), Complete: complete,
	}
}

func status(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	s, done, err := reach(ctx, in, in.String("image-owner"), false)
	if err != nil {
		return err
	}
	defer done()
	var want *baremetal.Pair
	o := baremetal.PairOptions{Kernel: in.String("kernel"), Ramdisk: in.String("ramdisk"), Mixed: true}
	if o.Kernel != "" || o.Ramdisk != "" {
		if want, err = s.Pair(ctx, o); err != nil {
			return err
		}
	}
	all, err := s.Statuses(ctx, selection(in), want)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		out.Log().Warn("no nodes: they are shown to administrators only")
	}
	differ := 0
	for _, st := range all {
		if st.Drift != "" {
			differ++
		}
		var since any
		if !st.Since.IsZero() {
			since = st.Since
		}
		out.Row(st.Node.ID, st.Node.Name, st.Type, st.Node.ProvisionState, st.Source, st.Kernel, st.Ramdisk, st.Build, st.Drift, st.Run,
			since, st.Note, st.Refs.Kernel, st.Refs.Ramdisk)
	}
	if want != nil && differ > 0 {
		return fault.New(fault.Drift, "", "nodes without the images: %d of %d", differ, len(all))
	}
	return nil
}

func historyCommand() sdk.Command {
	return sdk.Command{
		Path: "ipa history", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud},
		Short:    "List the tests and rollouts that nodes remember",
		Long:     "Each node remembers its last runs, in its extra. The newest run comes first.",
		Examples: []sdk.Example{{Text: "Runs to roll back", Command: "imgctl --os-cloud admin ipa history --node-type compute_skylake"}},
		Flags:    nodeFlags(),
		Columns: sdk.Columns{
			{Title: "Run"},
			{Title: "Action"},
			{Title: "At", Unit: sdk.UnitTime},
			{Title: "State"},
			{Title: "Nodes"},
			{Title: "Build"},
			{Title: "Kernel", Hidden: true},
			{Title: "Ramdisk", Hidden: true},
			{Title: "Why"},
		},
		Run: bridge.Run(history), Complete: complete,
	}
}

func history(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	s, done, err := reach(ctx, in, "", false)
	if err != nil {
		return err
	}
	defer done()
	past, err := s.History(ctx, selection(in))
	if err != nil {
		return err
	}
	if len(past) == 0 {
		out.Log().Warn("no runs: nodes, which remember them, are shown to administrators only")
	}
	for _, p := range past {
		out.Row(p.Run, p.Action, p.At, p.State, p.Nodes, p.Build, p.Set.Kernel, p.Set.Ramdisk, p.Why)
	}
	return nil
}
