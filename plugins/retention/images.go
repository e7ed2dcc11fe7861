package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// changeColumns are the columns of restore and protect.
var changeColumns = sdk.Columns{{Title: "Image " +
	"ID", Key: "image_id"}, {Title: "Image"}, {Title: "Action"}, {Title: "Note"}, {Title: "Outcome"}}

func statusCommand() sdk.Command {
	return sdk.Command{
		Path: "retention status", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "List the images that are in a stage, kept or protected",
		Long: "Shows what the images themselves say: the stage that retention brought them to, when, by which policy, what replaces " +
			"them, " +
			"and what restoring makes of them.",
		Examples: []sdk.Example{{Text: "What is in the trash?", Command: "imgctl --os-cloud ci retention status -c Image -c Stage -c " +
			"Since"}},
		Flags: sdk.Flags{sdk.String("project", "", "id of the project that owns the images, or any (default: the credentials' own)").
			ValueName("ID")},
		Columns: sdk.Columns{
			{Title: "Image ID", Key: "image_id"},
			{Title: "Image"},
			{Title: "Stage"},
			{Title: "Since", Unit: sdk.UnitTime},
			{Title: "Policy"},
			{Title: "Replaced By", Key: "replaced_by"},
			{Title: "Restored"},
			{Title: "Status", Hidden: true},
			{Title: "Visibility", Hidden: true},
			{Title: "Hidden", Hidden: true},
		},
		Run: bridge.Run(status),
	}
}

func status(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	site, done, err := openAlone(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	all, err := retention.Status(ctx, site, in.String("project"))
	if err != nil {
		return err
	}
	for _, s := range all {
		var at any
		if !s.At.IsZero() {
			at = s.At
		}
		out.Row(s.Image.ID, s.Image.Name, s.Stage, at, s.Policy, s.ReplacedBy, s.Restored, s.Image.Status, s.Image.Visibility,
			s.Image.Hidden)
	}
	return nil
}

func restoreCommand() sdk.Command {
	return sdk.Command{
		Path: "retention restore", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Bring images back from a stage, as they were before",
		Long: "Status, visibility, members and whether the image is hidden become what they were before retention first changed the " +
			"image. " +
			"It gets the property imgctl_keep=true, so that no policy touches it any more; --let-go leaves that out. " +
			"A deleted image can't be restored.",
		Examples: []sdk.Example{{Text: "Back from the trash", Command: "imgctl --os-cloud ci retention restore web-base-2025-01"}},
		Args:     []sdk.Arg{sdk.OneOrMore("IMAGE", "id, or exact name of one of the project's images").Completes(sdk.CompleteDynamically)},
		Flags:    sdk.Flags{sdk.Bool("let-go", "let policies treat the images like any others")},
		Columns:  changeColumns, Run: bridge.Run(restore), Complete: completeNames,
	}
}

func restore(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	site, done, err := openAlone(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	p, err := retention.PlanRestore(ctx, site, in.ArgValues("IMAGE"), in.Bool("let-go"))
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, p)
}

func protectCommand() sdk.Command {
	return sdk.Command{
		Path: "retention protect", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds, sdk.NeedsStdin},
		Short: "Protect images from deletion, or end that",
		Long: "Makes images protected, and notes on them that it did. --release ends that, for images that were protected by this " +
			"command " +
			"only. With --in-use --policy instead of images, the policy's images that are in use are protected, and those that are no " +
			"longer are released.",
		Examples: []sdk.Example{
			{Text: "One image", Command: "imgctl --os-cloud ci retention protect web-base"},
			{Text: "All that is in use", Command: "imgctl --os-cloud ci retention protect --in-use --policy retention.yaml"},
		},
		Args: []sdk.Arg{sdk.ZeroOrMore("IMAGE", "id, or exact name of one of the project's images").Completes(sdk.CompleteDynamically)},
		Flags: append(sdk.Flags{
			sdk.Bool("release", "end the protection"), sdk.Bool("in-use", "the policy's images that are in use"), policyFlag(),
		}, surveyFlags()...),
		Columns: changeColumns, Run: bridge.Run(protect), Complete: completeNames,
	}
}

func protect(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	images, used := in.ArgValues("IMAGE"), in.Bool("in-use")
	switch {
	case used == (len(images) > 0):
		return fault.New(fault.Usage, "", "give either images or %s", fault.Option("in_use"))
	case used && in.Bool("release"):
		return fault.New(fault.Usage, "", "%s releases by itself what is no longer in use", fault.Option("in_use"))
	}
	if !used {
		site, done, err := openAlone(ctx, in)
		if err != nil {
			return err
		}
		defer done()
		p, err := retention.PlanProtect(ctx, site, images, in.Bool("release"))
		if err != nil {
			return err
		}
		return bridge.CarryOut(ctx, in, out, p)
	}
	p, done, err := planned(ctx, in, retention.PlanProtectUsed)
	if err != nil {
		return err
	}
	defer done()
	return bridge.CarryOut(ctx, in, out, p)
}
