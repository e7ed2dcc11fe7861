package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// noRevocation is what people have to know of every answer but the first.
const noRevocation = "This does not take access away: in every state the project can read the image and boot from it by its id. " +
	"Only its default list differs. Access ends by `imgctl share remove` or `imgctl share suspend`, which the image's owner runs."

func acceptCommand() sdk.Command {
	c := answer("accept", glance.Accepted, "Accept images that others share with a project")
	c.Long = "The images show in the project's default list from then on. Pending images are in no default list, so a name is looked for among all that is shared with the project, in whatever state."
	c.Examples = []sdk.Example{{Text: "Accept what somebody shared by id", Command: "imgctl share accept web-base --to vex"}}
	return c
}

func rejectCommand() sdk.Command {
	c := answer("reject", glance.Rejected, "Hide shared images from a project's list; revokes nothing")
	c.Long = "The images no longer show in the project's default list.\n\n" + noRevocation
	c.Examples = []sdk.Example{{Text: "Take an image out of the project's list", Command: "imgctl share reject web-base --to vex"}}
	return c
}

func resetCommand() sdk.Command {
	c := answer("reset", glance.Pending, "Take an answer back: pending again; revokes nothing")
	c.Aliases = []string{"pending"}
	c.Long = "The images are pending again, as when they were offered, and no longer show in the project's default list.\n\n" + noRevocation
	c.Examples = []sdk.Example{{Text: "Leave the question open again", Command: "imgctl share reset web-base --to vex"}}
	return c
}

func answer(verb, status, short string) sdk.Command {
	return sdk.Command{
		Path: "share " + verb, Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsClouds}, Short: short,
		Args: images(),
		Flags: append(selectionFlags(),
			toClouds("clouds of the projects that answer (default: that of --os-cloud)"),
			parallel(),
		),
		Columns: changeColumns,
		Run: bridge.Run(func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
			parallel, err := tuning(in)
			if err != nil {
				return err
			}
			to := in.Strings("to")
			if len(to) == 0 {
				to = []string{""}
			}
			clouds, done := reach(in)
			defer done()
			plan, err := share.PlanStatus(ctx, clouds, share.StatusOptions{
				Selection: selection(in), To: to, Status: status, Parallel: parallel,
			})
			if err != nil {
				return err
			}
			return carryOut(ctx, in, out, plan, "")
		}),
		Complete: completeOffered,
	}
}
