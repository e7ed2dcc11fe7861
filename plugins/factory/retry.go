package main

import (
	"context"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/roster"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func retryCommand() sdk.Command {
	return sdk.Command{
		Path: "factory retry", Kind: sdk.List, Danger: sdk.Changes,
		Short: "Try failed builds again at once",
		Long: "Has failed requests come at once: those that wait for their next try, and dead letters, which get all their tries " +
			"again. To build an image that hasn't failed, use imgctl factory enqueue.",
		Examples: []sdk.Example{
			{Text: "One image", Command: "imgctl factory retry 'sl7x-x86_64 web'"},
			{Text: "What would it do?", Command: "imgctl factory retry --all --dry-run"},
		},
		Args:    []sdk.Arg{sdk.ZeroOrMore("IMAGE", "image, or id of a message").Completes(sdk.CompleteDynamically)},
		Flags:   sdk.Flags{configFlag(), sdk.Bool("all", "all that have failed")},
		Columns: sdk.Columns{{Title: "Message"}, {Title: "Image"}, {Title: "Was"}, {Title: "State"}},
		Run: withQueue(func(ctx context.Context, in *sdk.Input, out *sdk.Output, q queue.Queue) error {
			p, err := worker.NewRetry(ctx, q, in.Bool("all"), in.ArgValues("IMAGE")...)
			if err != nil {
				return err
			}
			return bridge.CarryOut(ctx, in, out, p)
		}),
		Complete: completeFrom(failed),
	}
}

func failed(ctx context.Context, q queue.Queue) (found []sdk.Suggestion, err error) {
	p, err := worker.NewRetry(ctx, q, true)
	if err != nil {
		return nil, err
	}
	images := p.Images()
	slices.Sort(images)
	for _, image := range slices.Compact(images) {
		found = append(found, sdk.Suggestion{Value: image})
	}
	return found, nil
}

func drainCommand() sdk.Command {
	return sdk.Command{
		Path: "factory drain", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsNoTimeout},
		Short: "Have the workers of this machine end after their builds",
		Long: "Tells the workers of this machine that write their logs to LOG_DIR to take no more requests, and waits until their " +
			"running builds have ended, however long they take. Requests that wait stay in the queue. If the command is interrupted, " +
			"the workers end all the same. A process of imgctl factory run ends, too.",
		Examples: []sdk.Example{{Text: "Before a reboot", Command: "imgctl factory drain"}},
		Flags:    sdk.Flags{configFlag()},
		Columns:  sdk.Columns{{Title: "Worker"}, {Title: "State"}},
		Run: bridge.Run(func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
			c, err := readConfig(in, out)
			if err != nil {
				return err
			}
			p, err := roster.NewDrain(roster.Folder(c.LogDir))
			if err != nil {
				return err
			}
			return bridge.CarryOut(ctx, in, out, p)
		}),
	}
}
