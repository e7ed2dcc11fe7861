package main

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sweep"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

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
	out.Columns(bridge.Leftovers...)
	return bridge.CarryOut(ctx, in, out, plan)
}
