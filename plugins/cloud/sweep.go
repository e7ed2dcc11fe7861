package main

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sweep"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// leftovers are the columns of a sweep.
var leftovers = sdk.Columns{
	{Title: "Kind"},
	{Title: "ID"},
	{Title: "Name"},
	{Title: "Run"},
	{Title: "Age", Unit: sdk.UnitSeconds},
	{Title: "Why"},
	{Title: "Action"},
	{Title: "Outcome"},
	{Title: "Created", Unit: sdk.UnitTime, Hidden: true},
	{Title: "Deadline", Unit: sdk.UnitTime, Hidden: true},
}

// sweepProbes removes what dead runs have left in the cloud's project.
func sweepProbes(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o := sweep.Options{Runs: in.Strings("run"), At: in.Now()}
	if err := errors.Join(o.Validate()...); err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	c, err := bridge.Cloud(ctx, in, in.Arg("CLOUD"))
	if err != nil {
		return err
	}
	defer c.Close()
	plan, err := sweep.NewPlan(ctx, c, o)
	if err != nil {
		return err
	}
	out.Columns(leftovers...)
	return bridge.CarryOut(ctx, in, out, plan)
}
