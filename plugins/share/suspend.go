package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func suspendCommand() sdk.Command {
	c := pause("suspend", share.PlanSuspend)
	c.Short = "Make shared images private, and keep whom they are for"
	c.Long = "Nobody but the owner can use the images until they are resumed: all projects that they are shared with lose their access at once, whatever they answered. " +
		"The service keeps its list of members, but doesn't tell it while an image is private; so the list is written on the image, and `imgctl share list` shows it as dormant."
	c.Examples = []sdk.Example{{Text: "Stop everybody from using an image", Command: "imgctl share suspend web-base --from source"}}
	return c
}

func resumeCommand() sdk.Command {
	c := pause("resume", share.PlanResume)
	c.Short = "Make suspended images shared again, with whom they were"
	c.Long = "Every project that the service kept as a member has its access back, with the answer that it had given. That is so for any private image, whoever made it private."
	c.Examples = []sdk.Example{{Text: "Let them use it again", Command: "imgctl share resume web-base --from source"}}
	return c
}

type planner func(context.Context, share.Clouds, share.SuspendOptions) (*share.Plan, error)

func pause(verb string, plan planner) sdk.Command {
	return sdk.Command{
		Path: "share " + verb, Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsClouds},
		Args: images(), Flags: append(selectionFlags(), from(), parallel()), Columns: changeColumns,
		Run: bridge.Run(func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
			parallel, err := tuning(in)
			if err != nil {
				return err
			}
			clouds, done := reach(in)
			defer done()
			p, err := plan(ctx, clouds, share.SuspendOptions{Selection: selection(in), From: in.String("from"), Parallel: parallel})
			if err != nil {
				return err
			}
			return carryOut(ctx, in, out, p, "")
		}),
		Complete: completeOwned,
	}
}
