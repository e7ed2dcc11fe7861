package main

import (
	"context"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
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
		Run: withQueue(func(ctx context.Context, _ *sdk.Input, out *sdk.Output, q queue.Queue) error {
			dead, err := q.Dead(ctx)
			if err != nil {
				return err
			}
			for _, m := range dead {
				out.Row(m.ID, m.Subject, m.Attempt, m.Failure.At.UTC().Format(time.RFC3339), firstOf(m.Failure.Reason), m.Failure.Log)
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
		Run: withQueue(func(ctx context.Context, in *sdk.Input, out *sdk.Output, q queue.Queue) error {
			p, err := worker.NewDeadLetters(ctx, q, discard, in.Bool("all"), in.ArgValues("MESSAGE")...)
			if err != nil {
				return err
			}
			return bridge.CarryOut(ctx, in, out, p)
		}),
		Complete: completeFrom(dead),
	}
}

func dead(ctx context.Context, q queue.Queue) (found []sdk.Suggestion, err error) {
	all, err := q.Dead(ctx)
	for _, m := range all {
		found = append(found, sdk.Suggestion{Value: m.ID, Help: m.Subject})
	}
	return found, err
}
