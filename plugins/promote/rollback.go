package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func rollbackCommand() sdk.Command {
	return sdk.Command{
		Path: "promote rollback", Kind: sdk.Action, Danger: sdk.Changes,
		Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds, sdk.NeedsEnvironment},
		Short: "Make the image before the current one again",
		Long: "Promotes the image whose place the current one took, and archives the current one. It is a promotion as any other: " +
			"members keep their access, and a failure takes all of it back. An image that was deactivated becomes active.",
		Examples: []sdk.Example{
			{Text: "Go back to the image before", Command: "imgctl --os-cloud ci promote rollback web-base"},
			{Text: "Go back, and keep servers from booting the bad image", Command: "imgctl --os-cloud ci promote rollback web-base --old-action deactivate"},
		},
		Args: []sdk.Arg{sdk.One("NAME", "name to roll back").Completes(sdk.CompleteDynamically)},
		Flags: append(sdk.Flags{
			sdk.String("to", "", "id of the image of the name's history that becomes current (default: the last before the current one)").ValueName("ID"),
		}, promotionFlags()...),
		Run: bridge.Run(rollback, renamed), Complete: completeNames,
	}
}

func rollback(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o := promotion(in)
	o.Name, o.ImageID = in.Arg("NAME"), in.String("to")
	if err := valid(o); err != nil {
		return err
	}
	s, err := reach(ctx, in, in.Strings("accept-with")...)
	if err != nil {
		return err
	}
	defer s.close()
	plan, err := promote.NewRollback(ctx, s.Site, s.owner, o)
	if err != nil {
		return err
	}
	return carryOut(ctx, in, out, s, plan)
}
