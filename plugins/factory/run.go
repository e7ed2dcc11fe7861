package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/board"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func runCommand() sdk.Command {
	flags := append(sdk.Flags{
		configFlag(),
		sdk.Duration("every", time.Minute, "pause between looks at the profiles, at least 1s"),
	}, watchFlags()...)
	flags = append(flags, workerFlags()...)
	return sdk.Command{
		Path: "factory run", Kind: sdk.Action, Danger: sdk.Changes,
		Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsEnvironment, sdk.NeedsNoTimeout},
		Short: "Run all of the factory on one machine",
		Long: "Watches the profiles, builds and promotes the images of those that change, and shows a page: what watch, worker and " +
			"serve do, in one process. With the queue in a file, nothing else has to be installed.\n\n" +
			"It ends with SIGTERM or Ctrl-C, as a worker does: running builds have --grace to finish.",
		Examples: []sdk.Example{{
			Text: "Everything",
			Command: "imgctl --os-cloud admin factory run --build-clouds /etc/imgctl/build-clouds.yaml " +
				"--build-cloud builder",
		}},
		Flags: append(flags, serveFlags()...),
		Run:   bridge.Run(runAll),
	}
}

func runAll(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if in.Duration("every") < time.Second {
		return fault.Bad("every", "", "it has to be at least 1s")
	}
	c, err := readConfig(in, out)
	if err != nil {
		return err
	}
	watched, err := watchedBy(in, c, false)
	if err != nil {
		return err
	}
	if err := reachable(ctx, in, c); err != nil {
		return err
	}
	if in.DryRun() {
		return wouldRun(ctx, in, out, c, watched)
	}
	w, closeAll, err := readyWorker(ctx, in, out, c, false)
	if err != nil {
		return err
	}
	defer closeAll()
	var state health
	listener, handler, err := page(ctx, in, out, board.Options{
		Queue: w.Queue, Logs: w.Logs, Current: current(w.Site), Workers: workers(c), Healthy: state.get,
	})
	if err != nil {
		return err
	}
	// One that ends has the others end; the page stays until the last build has ended.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	shown, hide := context.WithCancel(context.WithoutCancel(ctx))
	defer hide()
	var page, group sync.WaitGroup
	page.Go(func() { state.ended(bridge.Serve(shown, in, listener, handler)); stop() })
	group.Go(func() { state.ended(watchOn(ctx, in, out, watched, in.Duration("every"))); stop() })
	group.Go(func() { state.ended(worker.Run(ctx, w, bridge.Reporter(in, out))); stop() })
	group.Wait()
	hide()
	page.Wait()
	return state.get()
}

// health is what has gone wrong.
type health struct {
	mu  sync.Mutex
	err error
}

// ended notes that a part has ended, and why.
func (h *health) ended(err error) {
	if err == nil || fault.Is(err, fault.Cancelled) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = errors.Join(h.err, err)
}

func (h *health) get() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}
