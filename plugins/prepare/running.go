package main

import (
	"context"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/running"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// verifyRunning tells which containers of this host run something else than what was pushed.
func verifyRunning(ctx context.Context, in *sdk.Input, out *sdk.Output, c *registry.Client, images []reference.Reference) error {
	containers, err := running.Containers(ctx, in.File("socket"))
	if err != nil {
		return err
	}
	all := running.Compare(ctx, c, containers, images)
	bad := 0
	for _, one := range all {
		state, problem := "current", ""
		switch {
		case one.Err != nil:
			state, problem = "unknown", one.Err.Error()
		case !one.Current:
			state, problem = "stale", fmt.Sprintf("container %s runs %s; what was pushed is %s", one.Name, one.ImageID, one.Want)
		}
		if state != "current" {
			bad++
		}
		out.Row(one.Image, state, nil, nil, one.Digest, problem, nil)
	}
	out.Textf("%d containers run, %d of them are compared", len(containers), len(all))
	if bad > 0 {
		return fault.New(fault.Drift, "", "%d of %d containers don't run what was pushed", bad, len(all))
	}
	return nil
}
