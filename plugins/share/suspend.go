package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func suspendCommand() sdk.Command {
	c := pause("suspend", share.PlanSuspend)
	c.Short = "Make shared images private, and remember their members"
	c.Long = "All members lose access at once, whatever their status; only the owner can use the images until they are resumed. " +
		"The Image service keeps the members of a private image but doesn't list them, so imgctl saves the list on the image; " +
		"`imgctl share list` shows these members as dormant.\n\n" + goesOn
	c.Examples = []sdk.Example{{Text: "Suspend access to an image", Command: "imgctl share suspend web-base --from source"}}
	return c
}

func resumeCommand() sdk.Command {
	c := pause("resume", share.PlanResume)
	c.Short = "Make suspended images shared again, with the same members"
	c.Long = "Every project that the Image service kept as a member gets its access back, with the status it had. This works for any " +
		"private image, whoever made it private.\n\n" + goesOn
	c.Examples = []sdk.Example{{Text: "Give access back", Command: "imgctl share resume web-base --from source"}}
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
			return bridge.CarryOut(ctx, in, out, p)
		}, renamed),
		Complete: completeOwned,
	}
}
