package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func statusCommand() sdk.Command {
	return sdk.Command{
		Path: "factory status", Kind: sdk.List, Danger: sdk.Reads,
		Short: "Show the queue and the latest build of each image",
		Long: "Lists the images that workers on this machine have built, with the latest build of each. How many requests are in the " +
			"queue is on standard error.",
		Examples: []sdk.Example{{
			Text: "Show the builds that failed", Command: "imgctl factory status -f value -c Image -c State -c Reason",
		}},
		Flags: sdk.Flags{configFlag()},
		Columns: sdk.Columns{
			{Title: "Image"},
			{Title: "State"},
			{Title: "Started"},
			{Title: "Attempt"},
			{Title: "Reason"},
			{Title: "Run", Hidden: true},
			{Title: "Worker", Hidden: true},
		},
		Run: bridge.Run(status),
	}
}

func status(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := readConfig(in, out)
	if err != nil {
		return err
	}
	q, err := look(ctx, out, c)
	if err != nil {
		return err
	}
	defer q.Close()
	count, err := q.Count(ctx)
	if err != nil {
		return err
	}
	working := ""
	if count.Working != nil {
		working = fmt.Sprintf(", %d being built", *count.Working)
	}
	out.Textf("Requests: %d ready%s, %d to be tried later, %s", count.Ready, working, count.Waiting,
		plural(count.Dead, "dead letter", "dead letters"))
	n, err := workers(c)()
	if err != nil {
		return err
	}
	out.Textf("Workers on this machine: %d", n)
	logs, err := buildlog.In(c.LogDir)
	if err != nil {
		return err
	}
	images, err := logs.Images()
	if err != nil {
		return err
	}
	for _, image := range images {
		runs, err := logs.Runs(image)
		if err != nil {
			return err
		}
		if len(runs) == 0 {
			continue
		}
		state, reason := "running", ""
		switch r := runs[0].Result; {
		case r != nil:
			state, reason = r.Outcome, firstOf(r.Reason)
		case !runs[0].Running():
			state, reason = "died", "its worker has ended"
		}
		b := runs[0].Build
		out.Row(image, state, b.Started.Format(time.RFC3339), b.Attempt, reason, runs[0].ID, b.Worker)
	}
	return nil
}

// firstOf is what a table has room for: reasons begin with what counts.
func firstOf(reason string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(reason), "\n")
	return line
}
