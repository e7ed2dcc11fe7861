package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// aboutFile is what both commands say of the file.
const aboutFile = "The file says which images are shared with whom:\n\n" +
	"    version: 1\n    shares:\n      - from: source\n        images:\n          - {name: web-base, pick: newest}\n" +
	"        to:\n          - cloud: vex\n          - {project: 1c9d3e0a5b0f4a55a7b0f0a6a1b2c3d4, expires: 2027-01-31T00:00:00Z}\n\n" +
	"An image is chosen by id, or by name, glob, tags and properties, with pick: newest or all. copy: true copies to clouds with another Image service."

func fileFlags() sdk.Flags {
	return sdk.Flags{
		sdk.File("file", "", "the file, or - for standard input").Short("F").ValueName("FILE").Required(),
		sdk.CloudName("from", "cloud of the images for which the file names none (default: that of --os-cloud)"),
	}
}

func applyCommand() sdk.Command {
	return sdk.Command{
		Path: "share apply", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsClouds, sdk.NeedsStdin},
		Short: "Share images as a file says",
		Long: aboutFile + "\n\nWhoever the file doesn't name keeps access unless --prune takes it away, as does a share whose time is over. " +
			"What gives access is taken back when a step of it fails; what takes access away comes last, and is not.",
		Examples: []sdk.Example{
			{Text: "Show what it would change", Command: "imgctl share apply -F share.yaml --prune --dry-run"},
			{Text: "Make it so, in a job that nobody watches", Command: "imgctl share apply -F share.yaml --prune --yes"},
		},
		Flags:   append(fileFlags(), sdk.Bool("prune", "take access away from projects that the file doesn't name, and from those whose time is over"), parallel()),
		Columns: changeColumns,
		Run:     bridge.Run(apply),
	}
}

func apply(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	parallel, err := tuning(in)
	if err != nil {
		return err
	}
	f, err := parse(in)
	if err != nil {
		return err
	}
	clouds, done := reach(in)
	defer done()
	plan, err := share.PlanFile(ctx, clouds, f, share.FileOptions{From: in.String("from"), Prune: in.Bool("prune"), Parallel: parallel})
	if err != nil {
		return err
	}
	return carryOut(ctx, in, out, plan, "Take away the access of "+plan.Losers()+"?")
}

func driftCommand() sdk.Command {
	return sdk.Command{
		Path: "share drift", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsClouds, sdk.NeedsStdin},
		Short: "Compare shares with a file; exit code 8 where they differ",
		Long: aboutFile + "\n\nmissing: a project that isn't a member, or has no copy. extra: a member that the file doesn't name. " +
			"pending: it could be accepted, or has been open for longer than --patience. rejected: the project doesn't want it. " +
			"private: the image isn't shared any more. ghost: the project is gone or disabled. expired: the share's time is over. " +
			"expiry: it ends at another time than the file says. no image: the image isn't there, or several fit.",
		Examples: []sdk.Example{{Text: "In a job that is to fail when somebody has changed something by hand", Command: "imgctl share drift -F share.yaml"}},
		Flags:    append(fileFlags(), sdk.Duration("patience", 24*time.Hour, "for how long a share may stay pending")),
		Columns: sdk.Columns{
			{Title: "Difference"}, {Title: "Image ID", Key: "image_id"}, {Title: "Image"}, {Title: "Project ID", Key: "project_id"}, {Title: "Project"}, {Title: "Detail"},
		},
		Run: bridge.Run(drift),
	}
}

func drift(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	f, err := parse(in)
	if err != nil {
		return err
	}
	clouds, done := reach(in)
	defer done()
	found, err := share.Drift(ctx, clouds, f, share.FileOptions{From: in.String("from"), Patience: in.Duration("patience")})
	if err != nil {
		return err
	}
	for _, d := range found {
		out.Row(d.Kind, d.ImageID, d.Image, d.ProjectID, d.Project, d.Detail)
	}
	return share.DriftError(found)
}

func parse(in *sdk.Input) (*share.File, error) {
	name := in.File("file")
	text, err := read(in, name)
	if err != nil {
		return nil, fault.Bad("file", "name a file that can be read", "%w", err)
	}
	f, err := share.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

func read(in *sdk.Input, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in.Stdin())
	}
	return os.ReadFile(name)
}
