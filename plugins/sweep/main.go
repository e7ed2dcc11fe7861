// Command imgctl-sweep is the plugin sweep, imgctl's door to internal/image/sweep.
package main

import (
	"context"
	"errors"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sweep"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "sweep", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{command()},
	})
}

func command() sdk.Command {
	return sdk.Command{
		Path: "sweep", Kind: sdk.List, Danger: sdk.Destroys, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Find and remove the leftovers of dead builds",
		Long: "A killed build can't remove the servers, ports, floating IPs, volumes, key pairs and unfinished images it created. " +
			"They carry the build's run id and a deadline by which every build has ended. Without --apply, the leftovers are only " +
			"listed.\n\n" +
			"Never touched: objects without a run id; published images, although they keep their run id; other projects' objects, " +
			"even with an administrator's credentials. A floating IP that existed before the build is released, not deleted.\n\n" +
			"An object that can't be removed, or a kind that can't be listed, doesn't stop the others; the exit code is then 3.",
		Examples: []sdk.Example{
			{Text: "List leftovers", Command: "imgctl --os-cloud ci sweep"},
			{Text: "Remove them every night", Command: "imgctl --os-cloud ci sweep --apply --yes"},
			{
				Text:    "Remove the leftovers of a build that was just killed",
				Command: "imgctl --os-cloud ci sweep --run 5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4 --apply",
			},
		},
		Flags: sdk.Flags{
			sdk.Bool("apply", "remove the listed leftovers"),
			sdk.Strings("run", "only this run, treated as dead whatever its deadline").ValueName("ID"),
			sdk.Duration("older-than", 0, "treat objects of at least this age as leftovers, whatever their deadline; make sure that "+
				"no build takes that long"),
			sdk.Strings("kind", "only this kind: "+strings.Join(sweep.Kinds, ", ")).ValueName("KIND").Completes(sdk.CompleteDynamically),
		},
		Columns: bridge.Leftovers,
		Run:     bridge.Run(run), Complete: complete,
	}
}

func complete(_ context.Context, _ *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	if what.Flag != "kind" {
		return nil, nil
	}
	return bridge.Suggest(sweep.Kinds, what.Prefix), nil
}

func run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o := sweep.Options{Runs: in.Strings("run"), OlderThan: in.Duration("older-than"), Kinds: in.Strings("kind"), At: in.Now()}
	if err := errors.Join(o.Validate()...); err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	c, err := bridge.Cloud(ctx, in, "")
	if err != nil {
		return err
	}
	defer c.Close()
	plan, err := sweep.NewPlan(ctx, c, o)
	if err != nil {
		return err
	}
	if len(plan.Missing) > 0 {
		out.Log().Info("the cloud has no service for " + strings.Join(plan.Missing, ", "))
	}
	if !in.Bool("apply") {
		return bridge.ShowOnly(ctx, in, out, plan)
	}
	return bridge.CarryOut(ctx, in, out, plan)
}
