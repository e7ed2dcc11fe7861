package main

import (
	"context"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func addCommand() sdk.Command {
	return sdk.Command{
		Path: "share add", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Share images with other projects, and accept them",
		Long: "Makes private images shared, adds the projects as members, and accepts with the projects' own credentials. " +
			"A project given only by its id has to accept the image itself, unless the credentials of --from are an administrator's. " +
			"If several images match, set --pick, or the command fails.\n\n" +
			"All or nothing: if a step fails, the run undoes its own changes and nothing else. " +
			"Existing members are left alone, so you can repeat the command.\n\n" +
			"For a cloud with another Image service, --copy copies the images: streamed, verified, and only if there is no copy yet.",
		Examples: []sdk.Example{
			{Text: "Share an image and accept it", Command: `imgctl share add "ZZCI - Ubuntu 24.04" --from source --to vex,acumos`},
			{
				Text:    "The newest image of each kind, for a month",
				Command: `imgctl share add --from source --property os_distro=ubuntu --pick newest --to vex --expires 30d`,
			},
			{Text: "Show what would change", Command: `imgctl share add --from source --name-glob "ZZCI - *" --pick all --to vex --dry-run`},
			{
				Text:    "A project without credentials, which accepts the image itself",
				Command: "imgctl share add web-base --from source --to-project 1c9d3e0a5b0f4a55a7b0f0a6a1b2c3d4",
			},
		},
		Args: images(),
		Flags: append(selectionFlags(),
			from(),
			toClouds("clouds of the projects to share with; they accept with their own credentials"),
			toProjects("projects to share with, by id, or by name if the credentials may query Keystone"),
			sdk.String("expires", "", "when access expires, such as 30d, 7d12h, 12mo or 2027-01-31T00:00:00Z; share remove --expired "+
				"then removes it").ValueName("TIME"),
			sdk.Bool("copy", "copy the images to clouds that have another Image service"),
			sdk.Bool("no-verify-project", "accept any project id, even if Keystone doesn't know it"),
			acceptRejected(),
			parallel(),
		),
		Columns: changeColumns,
		Run:     bridge.Run(add, renamed), Complete: completeOwned,
	}
}

func add(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	var expires time.Time
	if in.IsSet("expires") {
		var err error
		if expires, err = share.ParseExpiry(in.String("expires"), in.Now()); err != nil {
			return err
		}
	}
	parallel, err := tuning(in)
	if err != nil {
		return err
	}
	clouds, done := reach(in)
	defer done()
	plan, err := share.PlanAdd(ctx, clouds, share.AddOptions{
		Selection: selection(in), From: in.String("from"), To: in.Strings("to"), Projects: in.Strings("to-project"),
		Tuning: share.Tuning{
			Parallel: parallel, Expires: expires, Copy: in.Bool("copy"), AnyProject: in.Bool("no-verify-project"),
			AcceptRejected: in.Bool("accept-rejected"),
		},
	})
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, plan)
}
