package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// wouldRun checks what the start checks, and tells what it would do: the requests that it would send, what it builds
// with, and where the page would be.
func wouldRun(ctx context.Context, in *sdk.Input, out *sdk.Output, c *config.Config, watched watch.Options) error {
	o, err := workerOptions(in, c)
	if err != nil {
		return err
	}
	if _, err := dependants(in, out, c); err != nil {
		return err
	}
	if _, err := notify(ctx, in, out, c); err != nil {
		return err
	}
	if file := in.File("token-file"); file != "" {
		if _, err := firstLine(file); err != nil {
			return fault.Bad("token_file", "", "%w", err)
		}
	}
	access, _, err := promoter(ctx, in, out, c)
	if err != nil {
		return err
	}
	defer access.Close()
	out.Field("slots", o.Slots)
	out.Field("packer", o.Packer.Program)
	out.Field("promotes_in", access.Project().Name)
	out.Field("page", in.String("listen"))
	out.Unchanged()
	return run(ctx, in, out, watched, tellPlan)
}

// tellPlan tells of a run that isn't carried out.
func tellPlan(_ context.Context, in *sdk.Input, out *sdk.Output, p change.Plan) error {
	rep := bridge.Reporter(in, out)
	for _, note := range p.Notes() {
		rep.Warn("%s", note)
	}
	tellRows(rep, p)
	if some, ok := p.(change.Incomplete); ok {
		return some.LeftOut()
	}
	return nil
}
