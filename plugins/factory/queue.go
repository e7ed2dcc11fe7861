package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
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
		q, err := look(ctx, out, c)
		if err != nil {
			return err
		}
		defer q.Close()
		return do(ctx, in, out, q)
	})
}

// reachable has a dry run end if what it shows couldn't be sent.
func reachable(ctx context.Context, in *sdk.Input, c *config.Config) error {
	if !in.DryRun() {
		return nil
	}
	return c.ReachQueue(ctx)
}

// look opens the queue for a command that adds nothing to it. Where there is none yet, the user is told, and it is
// empty.
func look(ctx context.Context, out *sdk.Output, c *config.Config) (queue.Queue, error) {
	q, err := c.LookAtQueue(ctx)
	if errors.Is(err, queue.ErrNone) {
		out.Textf("There is no queue yet: the first request makes %s", c.QueuePlace())
		return queue.Nothing(ctx)
	}
	return q, err
}

// retry is how often to look again for a queue that isn't there.
var retry = change.Retry{First: time.Second, Most: 30 * time.Second}

// await opens a queue, and waits for one that isn't there, as after a reboot. What waiting doesn't mend ends it.
func await(
	ctx context.Context, in *sdk.Input, out *sdk.Output, open func(context.Context) (queue.Queue, error),
) (queue.Queue, error) {
	rep := bridge.Reporter(in, out)
	for try, told := 1, ""; ; try++ {
		q, err := open(ctx)
		switch {
		case err == nil && told != "":
			rep.Step("The queue is there")
			return q, nil
		case err == nil || !fault.Is(err, fault.Unavailable):
			return q, err
		}
		if text := bridge.Problem(err).Error(); text != told {
			told = text
			rep.Warn("waiting for the queue: %s", text)
		}
		if !change.Sleep(ctx, retry.Pause(try)) {
			return nil, fault.Wrap(fault.Cancelled, "", context.Cause(ctx))
		}
	}
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
		q, err := c.LookAtQueue(ctx)
		if errors.Is(err, queue.ErrNone) {
			return nil, nil
		}
		if err != nil {
			return nil, bridge.Problem(err)
		}
		defer q.Close()
		all, err := list(ctx, q)
		return slices.DeleteFunc(all, func(s sdk.Suggestion) bool { return !strings.HasPrefix(s.Value, what.Prefix) }), bridge.Problem(err)
	}
}
