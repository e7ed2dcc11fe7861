package main

import (
	"context"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func disableCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud disable", Kind: sdk.List, Danger: sdk.Changes,
		Short: "Take a provider out of nodepool's service",
		Long: "Sets max-servers to 0 in the provider's pools: nodepool starts no servers there, and those that run finish. Only " +
			"these values change; comments, anchors and the order of keys stay. The values from before are kept in a small file " +
			"beside the configuration, for imgctl cloud enable. Disabling a provider again changes nothing.\n\n" +
			"With --patches, the file stays as it is: a patch with the change and one with its revert are written for review.\n\n" +
			"If the values can't be changed without changing another provider's, because an anchor or a merge key shares them, " +
			"nothing is changed.",
		Examples: []sdk.Example{
			{Text: "A region is down", Command: "imgctl cloud disable rax-iad --file nodepool/nl05.yaml"},
			{
				Text: "Propose it, together with the revert",
				Command: "imgctl cloud disable rax-iad --file nodepool/nl05.yaml --reason 'network maintenance' " +
					"--until 2027-01-31 --patches /tmp",
			},
		},
		Args: []sdk.Arg{sdk.One("PROVIDER", "provider in the file").Completes(sdk.CompleteDynamically)},
		Flags: append(editFlags(),
			sdk.String("reason", "", "why, for the record and the patch").ValueName("TEXT"),
			sdk.Time("until", "when the provider is expected back, for the record and the patch"),
			sdk.Bool("also-pause-uploads", "pause the uploads of the provider's diskimages, too; a list that the provider shares by an "+
				"alias is written out for it")),
		Columns: edited(),
		Run:     bridge.Run(disable), Complete: completeProvider,
	}
}

func enableCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud enable", Kind: sdk.List, Danger: sdk.Changes,
		Short: "Put a disabled provider back into nodepool's service",
		Long: "Restores what imgctl cloud disable changed: the file is as it was before, byte for byte, unless somebody has " +
			"changed it elsewhere meanwhile. A value that somebody else has changed stays, with a warning. For a provider that " +
			"was disabled by hand, say with --max-servers what its pools are to have.",
		Examples: []sdk.Example{
			{Text: "The region is back", Command: "imgctl cloud enable rax-iad --file nodepool/nl05.yaml"},
			{Text: "It was disabled by hand", Command: "imgctl cloud enable rax-iad --file nodepool/nl05.yaml --max-servers main=145"},
		},
		Args: []sdk.Arg{sdk.One("PROVIDER", "provider in the file").Completes(sdk.CompleteDynamically)},
		Flags: append(editFlags(),
			sdk.KeyValue("max-servers", "number of servers of a pool, instead of the one from before").ValueName("POOL=N")),
		Columns: edited(),
		Run:     bridge.Run(enable), Complete: completeProvider,
	}
}

func disable(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o, err := editOptions(in)
	if err != nil {
		return err
	}
	o.Reason, o.Until, o.PauseUploads = in.String("reason"), in.Time("until"), in.Bool("also-pause-uploads")
	return editFile(ctx, in, out, o, (*nodepool.Config).Disable)
}

func enable(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o, err := editOptions(in)
	if err != nil {
		return err
	}
	o.Values = map[string]int{}
	for pool, text := range in.KeyValues("max-servers") {
		if o.Values[pool], err = strconv.Atoi(text); err != nil {
			return fault.Bad("max_servers", "", "%s: %q is no number", pool, text)
		}
	}
	return editFile(ctx, in, out, o, (*nodepool.Config).Enable)
}

func editOptions(in *sdk.Input) (nodepool.Options, error) {
	o := nodepool.Options{
		Provider: in.Arg("PROVIDER"), Pools: in.Strings("pool"), At: in.Now(), Record: in.File("record"),
		Patches: in.Path(in.String("patches")),
	}
	if !in.IsSet("author") {
		return o, nil
	}
	var err error
	o.Author, err = nodepool.ParseAuthor(in.String("author"))
	return o, err
}

func editFile(ctx context.Context, in *sdk.Input, out *sdk.Output, o nodepool.Options,
	plan func(*nodepool.Config, nodepool.Options) (*nodepool.Plan, error),
) error {
	release, err := nodepool.Hold(ctx, in.File("file"), o.Record)
	if err != nil {
		return err
	}
	defer release()
	c, err := nodepool.Read(in.File("file"))
	if err != nil {
		return err
	}
	p, err := plan(c, o)
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, p)
}
