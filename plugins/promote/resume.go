package main

import (
	"context"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func resumeCommand() sdk.Command {
	return sdk.Command{
		Path: "promote resume", Kind: sdk.Action, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds},
		Short: "Finish or roll back promotions that dead runs left",
		Long: "Finishes a promotion whose new image is already live, and rolls back any other. Waits for runs that are still at work. " +
			"Without NAME, settles all unfinished promotions of the project; one that fails doesn't stop the others, and the exit code " +
			"is then 3.",
		Examples: []sdk.Example{{Text: "Settle all unfinished promotions", Command: "imgctl --os-cloud ci promote resume"}},
		Args:     []sdk.Arg{sdk.Optional("NAME", "name of the promotion").Completes(sdk.CompleteDynamically)},
		Flags: sdk.Flags{
			sdk.Strings("accept-with", "clouds of member projects, whose credentials restore the members' statuses").
				ValueName("CLOUD").Completes(sdk.CompleteClouds),
			sdk.Duration("limit", 15*time.Minute, "how long it may take, including the wait for a run that is still at work"),
			project(),
		},
		Run: bridge.Run(resume, renamed), Complete: completeNames,
	}
}

func resume(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	s, err := reach(ctx, in, in.Strings("accept-with")...)
	if err != nil {
		return err
	}
	defer s.close()
	names := []string{in.Arg("NAME")}
	if names[0] == "" {
		if names, err = unfinishedNames(ctx, s); err != nil {
			return err
		}
	}
	plan, err := promote.NewSettling(ctx, s.Site, s.owner, names, in.Duration("limit"))
	if err != nil {
		return err
	}
	return bridge.CarryOutFields(ctx, in, out, plan)
}

func unfinishedNames(ctx context.Context, s *site) ([]string, error) {
	statuses, err := promote.Statuses(ctx, s.Site, s.owner, "")
	var names []string
	for _, status := range statuses {
		if len(status.Unfinished)+len(status.Claims) > 0 {
			names = append(names, status.Name)
		}
	}
	return names, err
}
