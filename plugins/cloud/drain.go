package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/drain"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func drainCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud drain", Kind: sdk.List, Danger: sdk.Reads, Needs: []sdk.Need{sdk.NeedsClouds, sdk.NeedsNoTimeout},
		Short: "Wait until a disabled provider has no servers left",
		Long: "Lists the servers that nodepool started for a provider, by the metadata that it gives them. It removes nothing: " +
			"nodepool does that when jobs end. With --wait, it ends when no server is left.\n\n" +
			"Name nodepool's configuration with --file, so that a misspelled PROVIDER is an error; without it, a provider that has no " +
			"servers is only warned of.\n\n" +
			"The exit code is 8 if servers are left, and 1 if they are still there after --limit.",
		Examples: []sdk.Example{
			{Text: "What still runs?", Command: "imgctl cloud drain rax-iad zuul --file nodepool/nl05.yaml"},
			{Text: "Until all jobs have ended", Command: "imgctl cloud drain rax-iad zuul --wait --limit 4h"},
		},
		Args: []sdk.Arg{
			sdk.One("PROVIDER", "provider, as nodepool's configuration names it").Completes(sdk.CompleteDynamically), projectsCloud(),
		},
		Flags: sdk.Flags{
			sdk.File("file", "", "configuration file of nodepool that has to have PROVIDER"),
			sdk.Bool("wait", "wait until no server is left"),
			sdk.Duration("limit", 4*time.Hour, "how long to wait"),
			sdk.Duration("every", 15*time.Second, "how often to look"),
		},
		Columns: sdk.Columns{
			{Title: "ID"}, {Title: "Name"}, {Title: "Status"}, {Title: "Pool"}, {Title: "Node"}, {Title: "Created", Unit: sdk.UnitTime},
		},
		Run: bridge.Run(runDrain, map[string]string{"provider": "PROVIDER"}), Complete: completeProvider,
	}
}

func runDrain(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := bridge.Cloud(ctx, in, in.Arg("CLOUD"))
	if err != nil {
		return err
	}
	defer c.Close()
	every := in.Duration("every")
	if every <= 0 {
		return fault.Bad("every", "use a positive time such as 15s", "%s isn't positive", every)
	}
	if limit := in.Duration("limit"); limit <= 0 {
		return fault.Bad("limit", "use a positive time such as 4h", "%s isn't positive", limit)
	}
	provider := in.Arg("PROVIDER")
	if err := isProvider(in.File("file"), provider); err != nil {
		return err
	}
	var left []drain.Server
	seen := false
	if in.Bool("wait") {
		pace := change.Pace{First: min(every, time.Second), Max: every}
		left, seen, err = drain.Wait(ctx, c, provider, in.Duration("limit"), pace, bridge.Reporter(in, out))
	} else {
		left, err = drain.Servers(ctx, c, provider)
	}
	for _, s := range left {
		out.Row(s.ID, s.Name, s.Status, s.Pool, s.Node, s.Created)
	}
	switch {
	case err != nil:
		return err
	case len(left) > 0:
		return fault.New(fault.Drift, "", "provider %s has servers left: %d", provider, len(left))
	}
	if seen {
		return nil
	}
	others, err := drain.Providers(ctx, c)
	text := ""
	if len(others) > 0 {
		text = "; there are servers of " + strings.Join(others, ", ")
	}
	bridge.Reporter(in, out).Warn("no server has nodepool_provider_name %s%s", provider, text)
	return err
}

// isProvider checks that a configuration file, if one is given, has the provider.
func isProvider(file, provider string) error {
	if file == "" {
		return nil
	}
	c, err := nodepool.Read(file)
	if err != nil || slices.Contains(c.Providers(), provider) {
		return err
	}
	return fault.New(fault.NotFound, "it has "+strings.Join(c.Providers(), ", "), "%s has no provider %q", file, provider)
}
