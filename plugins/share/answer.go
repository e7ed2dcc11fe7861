package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// noRevocation is what users must know about every status but accepted.
const noRevocation = "This doesn't take access away: with any status, the project can read the image and boot from it by its id. " +
	"Only its default list changes. To end access, the image's owner runs `imgctl share remove` or `imgctl share suspend`."

func acceptCommand() sdk.Command {
	c := answer("accept", glance.Accepted, "Accept images shared by other projects")
	c.Long = "The images then appear in the project's default list. Names are looked up among all images shared with the project, " +
		"whatever their status.\n\n" + goesOn
	c.Examples = []sdk.Example{{Text: "Accept an image that another project shares", Command: "imgctl share accept web-base --to vex"}}
	return c
}

func rejectCommand() sdk.Command {
	c := answer("reject", glance.Rejected, "Hide shared images from a project's list; doesn't end access")
	c.Long = "The images no longer appear in the project's default list.\n\n" + noRevocation + "\n\n" + goesOn
	c.Examples = []sdk.Example{{Text: "Remove an image from the project's list", Command: "imgctl share reject web-base --to vex"}}
	return c
}

func resetCommand() sdk.Command {
	c := answer("reset", glance.Pending, "Make shared images pending again; doesn't end access")
	c.Aliases = []string{"pending"}
	c.Long = "The images are pending again, as when they were first shared, and no longer appear in the project's default list.\n\n" +
		noRevocation + "\n\n" + goesOn
	c.Examples = []sdk.Example{{Text: "Make an image pending again", Command: "imgctl share reset web-base --to vex"}}
	return c
}

func answer(verb, status, short string) sdk.Command {
	return sdk.Command{
		Path: "share " + verb, Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsClouds}, Short: short,
		Args: images(),
		Flags: append(selectionFlags(),
			toClouds("clouds of the projects whose status to set (default: that of --os-cloud)"),
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
			return bridge.CarryOut(ctx, in, out, plan)
		}, renamed),
		Complete: completeOffered,
	}
}
