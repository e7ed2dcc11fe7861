package main

import (
	"context"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// changeColumns are the columns of the changes that a command makes or would make.
var changeColumns = sdk.Columns{
	{Title: "Image ID", Key: "image_id"},
	{Title: "Image"},
	{Title: "Project ID", Key: "project_id"},
	{Title: "Project"},
	{Title: "Cloud", Hidden: true},
	{Title: "Before"},
	{Title: "After"},
	{Title: "Expires", Unit: sdk.UnitTime},
	{Title: "Note"},
}

// carryOut applies a plan and shows the result; it prompts first if the plan removes access. In a dry run it only shows the plan.
func carryOut(ctx context.Context, in *sdk.Input, out *sdk.Output, plan *share.Plan, question string) error {
	if !in.DryRun() && question != "" && plan.Takes() {
		switch yes, err := out.ConfirmDestroy(ctx, question, ""); {
		case err != nil:
			return err
		case !yes:
			return sdk.ErrDeclined
		}
	}
	unchanged := plan.Done()
	if in.DryRun() {
		for _, note := range plan.Notes {
			out.Log().Warn(note.Spell(bridge.Words(in)))
		}
	} else if err := share.Apply(ctx, plan, bridge.Reporter(in, out)); err != nil {
		return err
	}
	if unchanged {
		out.Unchanged()
	}
	for _, r := range plan.Rows() {
		out.Row(r.ImageID, r.Image, r.ProjectID, r.Project, r.Cloud, r.Before, r.After, moment(r.Expires), r.Note)
	}
	return nil
}

// moment is a time as a row shows it, nothing for none.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// tuning is how many images to process at a time, at least one.
func tuning(in *sdk.Input) (int, error) {
	n := in.Int("parallel")
	if n < 1 {
		return 0, fault.Bad("parallel", "", "%d is less than 1", n)
	}
	return n, nil
}
