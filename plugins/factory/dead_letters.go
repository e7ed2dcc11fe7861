package main

import (
	"context"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func deadLettersCommand() sdk.Command {
	return sdk.Command{
		Path: "factory dead-letters list", Kind: sdk.List, Danger: sdk.Reads,
		Short:    "List the requests that have failed for good",
		Long:     "Lists dead letters, the oldest first: requests that have failed too often or can't be understood, with the reason.",
		Examples: []sdk.Example{{Text: "Why did it fail?", Command: "imgctl factory dead-letters list -f json"}},
		Flags:    sdk.Flags{configFlag()},
		Columns: sdk.Columns{
			{Title: "Message"},
			{Title: "Image"},
			{Title: "Attempts"},
			{Title: "Failed"},
			{Title: "Reason"},
			{Title: "Log", Hidden: true},
		},
		Run: bridge.Run(func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
			c, err := readConfig(in, out)
			if err != nil {
				return err
			}
			q, err := c.OpenQueue(ctx)
			if err != nil {
				return err
			}
			defer q.Close()
			dead, err := q.Dead(ctx)
			if err != nil {
				return err
			}
			for _, m := range dead {
				out.Row(m.ID, m.Subject, m.Attempt, m.Failure.At.UTC().Format(time.RFC3339), lastLine(m.Failure.Reason), m.Failure.Log)
			}
			return nil
		}),
	}
}

func requeueCommand() sdk.Command {
	return changeDeadLetters("requeue", "Queue dead letters again", "Queues dead letters again, as if they had never failed. Repair what "+
		"made them fail first: the log and the reason tell.", false)
}

func discardCommand() sdk.Command {
	return changeDeadLetters("discard", "Remove dead letters", "Removes dead letters. What they ask for isn't built.", true)
}

func changeDeadLetters(verb, short, long string, discard bool) sdk.Command {
	return sdk.Command{
		Path: "factory dead-letters " + verb, Kind: sdk.List, Danger: sdk.Changes, Short: short, Long: long,
		Examples: []sdk.Example{
			{Text: "What would it do?", Command: "imgctl factory dead-letters " + verb + " --all --dry-run"},
		},
		Args:    []sdk.Arg{sdk.ZeroOrMore("MESSAGE", "id of a message").Completes(sdk.CompleteDynamically)},
		Flags:   sdk.Flags{configFlag(), sdk.Bool("all", "all dead letters")},
		Columns: sdk.Columns{{Title: "Message"}, {Title: "Image"}, {Title: "State"}},
		Run: bridge.Run(func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
			c, err := readConfig(in, out)
			if err != nil {
				return err
			}
			q, err := c.OpenQueue(ctx)
			if err != nil {
				return err
			}
			defer q.Close()
			p, err := worker.NewDeadLetters(ctx, q, discard, in.Bool("all"), in.ArgValues("MESSAGE")...)
			if err != nil {
				return err
			}
			return bridge.CarryOut(ctx, in, out, p)
		}),
		Complete: completeDeadLetters,
	}
}

func completeDeadLetters(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	c, err := config.Read(in.File("config"))
	if err != nil {
		return nil, bridge.Problem(err)
	}
	q, err := c.OpenQueue(ctx)
	if err != nil {
		return nil, bridge.Problem(err)
	}
	defer q.Close()
	dead, err := q.Dead(ctx)
	var found []sdk.Suggestion
	for _, m := range dead {
		if strings.HasPrefix(m.ID, what.Prefix) {
			found = append(found, sdk.Suggestion{Value: m.ID, Help: m.Subject})
		}
	}
	return found, bridge.Problem(err)
}
