package main

import (
	"context"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func statusCommand() sdk.Command {
	return sdk.Command{
		Path: "promote status", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Show current images and unfinished promotions",
		Long: "With NAME, shows its current image, its unfinished promotions, and the runs that hold or wait for the name. " +
			"Without NAME, shows all names of the project that are being promoted or whose promotion a dead run left unfinished.",
		Examples: []sdk.Example{
			{Text: "Is anything left to resume?", Command: "imgctl --os-cloud ci promote status"},
			{Text: "One name, for a script", Command: "imgctl --os-cloud ci promote status web-base -f json"},
		},
		Args:  []sdk.Arg{sdk.Optional("NAME", "name to look at").Completes(sdk.CompleteDynamically)},
		Flags: sdk.Flags{project()},
		Columns: sdk.Columns{
			{Title: "Name"},
			{Title: "State"},
			{Title: "Image ID", Key: "image_id"},
			{Title: "Image"},
			{Title: "Since", Unit: sdk.UnitTime},
			{Title: "Run"},
			{Title: "Detail"},
		},
		Run: bridge.Run(status, renamed), Complete: completeNames,
	}
}

func status(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	s, err := reach(ctx, in)
	if err != nil {
		return err
	}
	defer s.close()
	statuses, err := promote.Statuses(ctx, s.Site, s.owner, in.Arg("NAME"))
	if err != nil {
		return err
	}
	for _, st := range statuses {
		for _, img := range st.Current {
			out.Row(st.Name, "current", img.ID, img.Name, img.Properties[promote.PromotedKey], img.Properties["imgctl_run"], img.Visibility)
		}
		for _, u := range st.Unfinished {
			detail := fmt.Sprintf("%s; resumed, it is %s", u.Phase, u.Settled)
			if u.Problem != nil {
				detail = u.Problem.Error()
			}
			out.Row(st.Name, "unfinished", u.Image.ID, u.Image.Name, u.At, u.Run, detail)
		}
		for _, c := range st.Claims {
			state := "claimed"
			if !c.Alive {
				state = "dead claim"
			}
			detail := c.Holder
			if c.Problem != nil {
				detail += ": " + c.Problem.Error()
			}
			out.Row(st.Name, state, "", "", c.Since, c.Run, detail)
		}
	}
	return nil
}

func historyCommand() sdk.Command {
	return sdk.Command{
		Path: "promote history", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud},
		Short:    "List the images that are or were current under a name",
		Long:     "The current image comes first, then the archived ones, most recently archived first. Deleted images aren't listed.",
		Examples: []sdk.Example{{Text: "Images to roll back to", Command: "imgctl --os-cloud ci promote history web-base"}},
		Args:     []sdk.Arg{sdk.One("NAME", "name to look at").Completes(sdk.CompleteDynamically)},
		Flags:    sdk.Flags{project()},
		Columns: sdk.Columns{
			{Title: "ID"},
			{Title: "Image"},
			{Title: "State"},
			{Title: "Created", Unit: sdk.UnitTime},
			{Title: "Promoted", Unit: sdk.UnitTime},
			{Title: "Archived", Unit: sdk.UnitTime},
			{Title: "Successor"},
			{Title: "Status", Hidden: true},
			{Title: "Visibility", Hidden: true},
			{Title: "Hidden", Hidden: true},
			{Title: "Generation", Hidden: true},
		},
		Run: bridge.Run(history, renamed), Complete: completeNames,
	}
}

func history(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	s, err := reach(ctx, in)
	if err != nil {
		return err
	}
	defer s.close()
	name := in.Arg("NAME")
	entries, err := promote.NewHistory(ctx, s.Site, s.owner, name)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fault.New(fault.NotFound, "check the name, and whose project it is in", "no image is or was current under %q", name)
	}
	for _, e := range entries {
		state := "archived"
		if e.Current {
			state = "current"
		}
		img := e.Image
		out.Row(img.ID, img.Name, state, img.CreatedAt, e.Promoted, e.Archived, e.Successor,
			img.Status, img.Visibility, img.Hidden, e.Generation)
	}
	return nil
}
