package main

import (
	"context"
	"errors"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/leaks"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func leaksCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud leaks", Kind: sdk.List, Danger: sdk.Destroys, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Find and remove what CI left in its project",
		Long: "Lists images that nodepool no longer needs, ports that are down and have no server, floating IPs without a port, " +
			"volumes that servers booted from, and key pairs of single launches, if they are old enough. Without --apply, they " +
			"are only listed.\n\n" +
			"Never touched: the two newest images of each diskimage; images that nodepool didn't upload, that servers were booted " +
			"from, or that are protected; volumes with a name; what has a description; other projects' objects, even with an " +
			"administrator's credentials. Each object is read again right before it is removed.\n\n" +
			"With --file, images of diskimages that the file doesn't configure for the cloud are leaks, too.\n\n" +
			"An object that can't be removed, or a kind that can't be listed, doesn't stop the others; the exit code is then 3.",
		Examples: []sdk.Example{
			{Text: "List leaks", Command: "imgctl cloud leaks zuul --file nodepool/nl01.yaml"},
			{Text: "Remove ports every night", Command: "imgctl cloud leaks zuul --kind port --older-than 3h --apply --yes"},
		},
		Args: []sdk.Arg{projectsCloud()},
		Flags: sdk.Flags{
			sdk.Bool("apply", "remove what is listed"),
			sdk.Strings("kind", "only this kind: "+strings.Join(leaks.Kinds, ", ")).ValueName("KIND").Completes(sdk.CompleteDynamically),
			sdk.Duration("older-than", leaks.DefaultAge, "only objects of at least this age"),
			sdk.File("file", "", "configuration file of nodepool, which says what diskimages there are"),
			sdk.Strings("provider", "with --file, the providers in this cloud (default: those whose cloud has its name)").
				ValueName("PROVIDER").Completes(sdk.CompleteDynamically),
		},
		Columns: sdk.Columns{
			{Title: "Kind"},
			{Title: "ID"},
			{Title: "Name"},
			{Title: "Age", Unit: sdk.UnitSeconds},
			{Title: "Why"},
			{Title: "Outcome"},
			{Title: "Created", Unit: sdk.UnitTime, Hidden: true},
		},
		Run: bridge.Run(runLeaks), Complete: completeLeaks,
	}
}

func completeLeaks(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	if what.Flag != "kind" {
		return completeProvider(ctx, in, what)
	}
	return bridge.Suggest(leaks.Kinds, what.Prefix), nil
}

func runLeaks(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o := leaks.Options{Kinds: in.Strings("kind"), OlderThan: in.Duration("older-than"), At: in.Now()}
	if err := errors.Join(o.Validate()...); err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	if o.OlderThan == 0 { // which the subject takes for its default
		return fault.Bad("older_than", "use a positive time such as 6h", "0 would take what CI is just making")
	}
	providers := in.Strings("provider")
	if in.File("file") == "" && len(providers) > 0 {
		return fault.New(fault.Usage, "", "%s needs %s", fault.Option("provider"), fault.Option("file"))
	}
	c, err := bridge.Cloud(ctx, in, in.Arg("CLOUD"))
	if err != nil {
		return err
	}
	defer c.Close()
	if file := in.File("file"); file != "" {
		config, err := nodepool.Read(file)
		if err != nil {
			return err
		}
		if o.DiskImages, o.Providers, err = config.DiskImages(c.Name(), providers); err != nil {
			return err
		}
		o.Known = true
	}
	plan, err := leaks.NewPlan(ctx, c, o)
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
