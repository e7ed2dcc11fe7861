package main

import (
	"context"
	"errors"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// copyColumns are those of a plan's rows.
var copyColumns = sdk.Columns{
	{Title: "Source"},
	{Title: "Target"},
	{Title: "State"},
	{Title: "Bytes", Unit: sdk.UnitBytes},
	{Title: "Missing", Unit: sdk.UnitBytes},
	{Title: "Digest", Hidden: true},
	{Title: "Attached", Hidden: true},
	{Title: "Problem"},
}

// planColumns tell also how images are changed.
var planColumns = append(slices.Clone(copyColumns), sdk.Columns{{Title: "By", Hidden: true}, {Title: "Why", Hidden: true}}...)

func planCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare plan", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Show what preparing would copy, in bytes, and change",
		Long: "Asks the registries what they have, and lists for each image that would be copied how large it is and how much of it the " +
			"target " +
			"lacks. What several images share counts for each of them here; in the sum, which follows, it counts once. " +
			"An image that modify_role changes has a row of its own, which tells by what and why; see the columns By and Why. " +
			"If an image can't be read, the exit code is that of the copy: 3 if others can.",
		Examples: []sdk.Example{{Text: "What is to be copied", Command: "imgctl prepare plan -e containers.yaml -r roles_data.yaml"}},
		Flags:    slices.Concat(deploymentFlags(), registryFlags(), copyFlags(), lockFlags(), modifyFlags()),
		Columns:  planColumns,
		Run:      bridge.Run(showPlan),
	}
}

func showPlan(ctx context.Context, in *sdk.Input, out *sdk.Output) (err error) {
	d, err := load(in, out)
	if err != nil {
		return err
	}
	if err := d.freeze(in); err != nil {
		return err
	}
	if err := d.reach(in, out); err != nil {
		return err
	}
	defer func() { d.closes() }()
	result, err := d.decide(ctx, out)
	if err != nil {
		return err
	}
	plan, err := planCopy(ctx, in, d, result, toPlan(targets(result)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plan.Close()) }()
	for _, note := range plan.Notes() {
		out.Log().Warn(note.String())
	}
	for _, row := range plan.Rows() {
		out.Row(row.Values()...)
	}
	for _, line := range append(summary(plan.Plan), modifySummary(plan)...) {
		out.Text(line)
	}
	return plan.LeftOut()
}
