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

// aboutFile describes the file, for both commands.
const aboutFile = "The file lists images and the projects to share them with:\n\n" +
	"    version: 1\n    shares:\n      - from: source\n        images:\n          - {name: web-base, pick: newest}\n" +
	"        to:\n          - cloud: vex\n          - {project: 1c9d3e0a5b0f4a55a7b0f0a6a1b2c3d4, expires: 2027-01-31T00:00:00Z}\n\n" +
	"Choose an image by id, or by name, glob, tags and properties, with pick: newest or all. copy: true copies images to clouds with " +
	"another Image service."

func fileFlags() sdk.Flags {
	return sdk.Flags{
		sdk.File("file", "", "the file, or - for standard input").Short("F").ValueName("FILE").Required(),
		sdk.CloudName("from", "cloud of the images, if the file doesn't name one (default: that of --os-cloud)"),
	}
}

func applyCommand() sdk.Command {
	return sdk.Command{
		Path: "share apply", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsClouds, sdk.NeedsStdin},
		Short: "Share images as a file describes",
		Long: aboutFile + "\n\nProjects that the file doesn't name, and those whose access has expired, keep access unless you add " +
			"--prune. " +
			"Access is granted first, all or nothing; then it is removed, which is never rolled back.\n\n" +
			"A project that is gone, a cloud that can't be reached and an image that isn't there don't stop the rest: the command " +
			"tells of them " +
			"and ends with exit code 3. So it does if a project has rejected an image, unless you add --accept-rejected.",
		Examples: []sdk.Example{
			{Text: "Show what would change", Command: "imgctl share apply -F share.yaml --prune --dry-run"},
			{Text: "Apply the file in an unattended job", Command: "imgctl share apply -F share.yaml --prune --yes"},
		},
		Flags: append(fileFlags(), sdk.Bool("prune", "remove projects that the file doesn't name or whose access has expired"),
			acceptRejected(), parallel()),
		Columns: changeColumns,
		Run:     bridge.Run(apply, renamed),
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
	plan, err := share.PlanFile(ctx, clouds, f, share.FileOptions{
		From: in.String("from"), Prune: in.Bool("prune"), Parallel: parallel,
		AcceptRejected: in.Bool("accept-rejected"),
	})
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, plan)
}

func driftCommand() sdk.Command {
	return sdk.Command{
		Path: "share drift", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsClouds, sdk.NeedsStdin},
		Short: "Compare shares with a file; exit code 8 if they differ",
		Long: aboutFile + "\n\nThe differences: missing: a project isn't a member, or has no copy. extra: a member isn't in the file. " +
			"pending: the credentials could accept the image, or it has been pending for longer than --patience. rejected: the " +
			"project has rejected the image. " +
			"private: the image is no longer shared. ghost: the project no longer exists or is disabled. expired: the access has " +
			"expired. " +
			"expiry: the expiry isn't that of the file. no image: the image doesn't exist, or several match.",
		Examples: []sdk.Example{{Text: "Fail a job if somebody has changed shares by hand", Command: "imgctl share drift -F share.yaml"}},
		Flags:    append(fileFlags(), sdk.Duration("patience", 24*time.Hour, "how long a share may stay pending")),
		Columns: sdk.Columns{
			{Title: "Difference"},
			{Title: "Image ID", Key: "image_id"},
			{Title: "Image"},
			{Title: "Project ID", Key: "project_id"},
			{Title: "Project"},
			{Title: "Detail"},
		},
		Run: bridge.Run(drift, renamed),
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
		return nil, fault.Bad("file", "name a readable file", "%w", err)
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
