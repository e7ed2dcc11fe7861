package main

import (
	"context"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// withQueue runs a command on the queue that the configuration names.
func withQueue(
	do func(context.Context, *sdk.Input, *sdk.Output, queue.Queue) error,
) func(context.Context, *sdk.Input, *sdk.Output) error {
	return bridge.Run(func(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
		c, err := readConfig(in, out)
		if err != nil {
			return err
		}
		q, err := c.OpenQueue(ctx)
		if err != nil {
			return err
		}
		defer q.Close()
		return do(ctx, in, out, q)
	})
}

// completeFrom suggests what begins with what was typed, of that which list finds in the queue.
func completeFrom(
	list func(context.Context, queue.Queue) ([]sdk.Suggestion, error),
) func(context.Context, *sdk.Input, sdk.Completing) ([]sdk.Suggestion, error) {
	return func(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
		c, err := config.Read(in.File("config"))
		if err != nil {
			return nil, bridge.Problem(err)
		}
		q, err := c.OpenQueue(ctx)
		if err != nil {
			return nil, bridge.Problem(err)
		}
		defer q.Close()
		all, err := list(ctx, q)
		return slices.DeleteFunc(all, func(s sdk.Suggestion) bool { return !strings.HasPrefix(s.Value, what.Prefix) }), bridge.Problem(err)
	}
}
