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
		Short: "Make the previous image current again",
		Long: "Promotes the current image's predecessor and archives the current image. As in any promotion, " +
			"members keep their access, and a failure rolls everything back. If the predecessor was deactivated, it is reactivated.",
		Examples: []sdk.Example{
			{Text: "Roll back to the previous image", Command: "imgctl --os-cloud ci promote rollback web-base"},
			{
				Text:    "Roll back, and prevent servers from booting the bad image",
				Command: "imgctl --os-cloud ci promote rollback web-base --old-action deactivate",
			},
		},
		Args: []sdk.Arg{sdk.One("NAME", "name to roll back").Completes(sdk.CompleteDynamically)},
		Flags: append(sdk.Flags{
			sdk.String("to", "", "id of the image to make current, from the name's history (default: the current image's predecessor)").
				ValueName("ID"),
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
	return bridge.CarryOutFields(ctx, in, out, plan.On(s.Site))
}
