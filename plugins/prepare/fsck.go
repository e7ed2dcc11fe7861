package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// servedFolder is the argument of commands about a folder that is served.
func servedFolder() []sdk.Arg {
	return []sdk.Arg{sdk.One("DIR", "folder with the images, such as /var/lib/image-serve").Completes(sdk.CompleteDirectories)}
}

func fsckCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare fsck", Kind: sdk.List,
		Short: "Check an undercloud's folder of images",
		Long: "Checks for each tag that its manifests are there and match their digests, and that each blob has its size. With --deep, " +
			"every byte is read. Exit code 8 says that something is missing or corrupt; copying the image again mends it.",
		Examples: []sdk.Example{{Text: "To the last byte", Command: "imgctl prepare fsck /var/lib/image-serve --deep"}},
		Args:     servedFolder(),
		Flags:    sdk.Flags{sdk.Bool("deep", "read every byte and check its digest")},
		Columns: sdk.Columns{
			{Title: "Image"},
			{Title: "State"},
			{Title: "Blobs"},
			{Title: "Bytes", Unit: sdk.UnitBytes},
			{Title: "Digest", Hidden: true},
			{Title: "Problem"},
		},
		Run: bridge.Run(fsck),
	}
}

func fsck(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	f, err := imageserve.Open(in.Path(in.Arg("DIR")))
	if err != nil {
		return err
	}
	defer f.Close()
	all, err := f.Check(ctx, in.Bool("deep"))
	if err != nil {
		return err
	}
	bad := 0
	for _, c := range all {
		state, problem := "whole", ""
		if c.Err != nil {
			bad++
			state, problem = "broken", c.Err.Error()
		}
		out.Row(c.Repository+":"+c.Tag, state, c.Blobs, c.Bytes, c.Digest, problem)
	}
	if bad > 0 {
		return fault.New(fault.Drift, "", "%d of %d tags are broken", bad, len(all))
	}
	return nil
}

func pruneCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare prune", Kind: sdk.List, Danger: sdk.Changes,
		Short: "Remove what no tag needs from a folder of images",
		Long: "Removes manifests and blobs that no tag of their repository needs, and files that killed runs left. It waits for nobody: " +
			"while another process writes to the folder, it fails. A repository of which something can't be read is left alone.",
		Examples: []sdk.Example{{Text: "See what would become free", Command: "imgctl prepare prune /var/lib/image-serve --dry-run"}},
		Args:     servedFolder(),
		Columns: sdk.Columns{
			{Title: "Repository"},
			{Title: "Kind"},
			{Title: "Name"},
			{Title: "Bytes", Unit: sdk.UnitBytes},
			{Title: "Outcome"},
		},
		Run: bridge.Run(prune),
	}
}

func prune(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	f, err := imageserve.Open(in.Path(in.Arg("DIR")))
	if err != nil {
		return err
	}
	defer f.Close()
	plan, err := f.PlanPrune(ctx)
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, plan)
}
