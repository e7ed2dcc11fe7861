// Command imgctl-sweep is the plugin sweep, imgctl's door to internal/image/sweep.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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
			"even with an administrator's credentials. A floating IP that existed before the build is released, not deleted.",
		Examples: []sdk.Example{
			{Text: "List leftovers", Command: "imgctl --os-cloud ci sweep"},
			{Text: "Remove them every night", Command: "imgctl --os-cloud ci sweep --apply --yes"},
			{Text: "Remove the leftovers of a build that was just killed", Command: "imgctl --os-cloud ci sweep --run 5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4 --apply"},
		},
		Flags: sdk.Flags{
			sdk.Bool("apply", "remove the listed leftovers"),
			sdk.Strings("run", "only this run, treated as dead whatever its deadline").ValueName("ID"),
			sdk.Duration("older-than", 0, "treat objects of at least this age as leftovers, whatever their deadline; make sure that no build takes that long"),
			sdk.Strings("kind", "only this kind: "+strings.Join(sweep.Kinds, ", ")).ValueName("KIND").Completes(sdk.CompleteDynamically),
		},
		Columns: sdk.Columns{
			{Title: "Kind"},
			{Title: "ID"},
			{Title: "Name"},
			{Title: "Run"},
			{Title: "Age", Unit: sdk.UnitSeconds},
			{Title: "Why"},
			{Title: "Action"},
			{Title: "Outcome"},
			{Title: "Created", Unit: sdk.UnitTime, Hidden: true},
			{Title: "Deadline", Unit: sdk.UnitTime, Hidden: true},
		},
		Run: bridge.Run(run), Complete: complete,
	}
}

func complete(_ context.Context, _ *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	var suggestions []sdk.Suggestion
	for _, kind := range sweep.Kinds {
		if what.Flag == "kind" && strings.HasPrefix(kind, what.Prefix) {
			suggestions = append(suggestions, sdk.Suggestion{Value: kind})
		}
	}
	return suggestions, nil
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
	if in.DryRun() || !in.Bool("apply") {
		list(out, plan.Leftovers, "left", o.At)
		return nil
	}
	return apply(ctx, in, out, plan, o.At)
}

func apply(ctx context.Context, in *sdk.Input, out *sdk.Output, plan *sweep.Plan, at time.Time) error {
	if len(plan.Leftovers) == 0 {
		out.Unchanged()
		return nil
	}
	yes, err := out.ConfirmDestroy(ctx, question(plan), "")
	switch {
	case err != nil:
		return err
	case !yes:
		return sdk.ErrDeclined
	}
	result, err := sweep.Apply(ctx, plan, bridge.Reporter(in, out))
	list(out, result.Removed, "removed", at)
	list(out, result.Kept, "kept", at)
	list(out, result.Left, "left", at)
	return err
}

// question says how many of which kind are going to be removed.
func question(plan *sweep.Plan) string {
	var parts []string
	for _, kind := range sweep.Kinds {
		n := 0
		for _, l := range plan.Leftovers {
			if l.Kind == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	return fmt.Sprintf("Remove the leftovers of dead builds (%s)?", strings.Join(parts, ", "))
}

func list(out *sdk.Output, leftovers []*sweep.Leftover, outcome string, at time.Time) {
	for _, l := range leftovers {
		var age any
		if !l.Created.IsZero() {
			age = at.Sub(l.Created).Round(time.Second)
		}
		what := outcome
		if what == "removed" && l.Action == sweep.Release {
			what = "released"
		}
		out.Row(l.Kind, l.ID, l.Name, string(l.Run), age, l.Why, l.Action, what, l.Created, l.Deadline)
	}
}
