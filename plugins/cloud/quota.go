package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/quota"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func quotaCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud quota", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Show a project's quotas: limit, used, free",
		Long: "Reads the limits of the Compute, Network, Block Storage and Image services at once. No limit and no " +
			"free amount mean that the resource is unlimited; no used amount, that the service doesn't tell it.\n\n" +
			"A service that the cloud doesn't have is left out. If one that it has can't be read, the exit code is 3.",
		Examples: []sdk.Example{{Text: "Which quotas does the project zuul have?", Command: "imgctl cloud quota openstackzuul-donor"}},
		Args:     []sdk.Arg{projectsCloud()},
		Columns: sdk.Columns{
			{Title: "Service"},
			{Title: "Resource"},
			{Title: "Limit"},
			{Title: "Used"},
			{Title: "Free"},
		},
		Run: bridge.Run(showQuota),
	}
}

// projectsCloud is the argument of commands on one project.
func projectsCloud() sdk.Arg {
	return sdk.Optional("CLOUD", "the project's cloud (default: that of --os-cloud)").Completes(sdk.CompleteClouds)
}

func showQuota(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := bridge.Cloud(ctx, in, in.Arg("CLOUD"))
	if err != nil {
		return err
	}
	defer c.Close()
	q, err := quota.Read(ctx, c)
	if err != nil {
		return err
	}
	for _, l := range q.All() {
		var limit, used, free any
		if l.Max >= 0 {
			limit, free = l.Max, l.Free()
		}
		if l.Used >= 0 {
			used = l.Used
		}
		out.Row(l.Service, string(l.Resource), limit, used, free)
	}
	return fault.Wrap(fault.Partial, "", q.Failures())
}
