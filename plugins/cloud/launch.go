package main

import (
	"context"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func launchCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud launch", Kind: sdk.List, Danger: sdk.Destroys,
		Needs: []sdk.Need{sdk.NeedsClouds, sdk.NeedsEnvironment},
		Short: "Make the resources of a layout in clouds",
		Long: "Takes the layouts of ansible-role-cloud-launcher as they are: profiles and clouds with domains, projects, users, roles, " +
			"quotas, networks, subnets, routers, flavors, images, security groups and their rules, key pairs, volumes and servers. " +
			"What is missing is created, what differs is updated, and what has state: absent is removed. Nothing else is touched. " +
			"Running it again changes nothing.\n\n" +
			"A resource that differs in what can't be changed is a conflict. Neither a conflict nor a cloud that can't be reached stops " +
			"the rest; the exit code is then 3.",
		Examples: []sdk.Example{
			{Text: "What would change?", Command: "imgctl cloud launch --file clouds_layouts.yml --plan"},
			{Text: "Launch one cloud of the layout", Command: "imgctl cloud launch --file clouds_layouts.yml --cloud openstackci-donor"},
			{
				Text:    "Bring key pairs and images up to date",
				Command: "imgctl cloud launch --file clouds_layouts.yml --only keypairs,images",
			},
		},
		Flags: append(sdk.Flags{
			sdk.File("file", "", "the layout").Short("F").ValueName("LAYOUT").Required(),
			sdk.Strings("cloud", "only this cloud of the layout").ValueName("NAME").Completes(sdk.CompleteDynamically),
			sdk.Strings("only", "only these kinds of resources, such as keypairs").ValueName("KIND").Completes(sdk.CompleteDynamically),
			sdk.Bool("plan", "show what would be done; the same as --dry-run"),
			sdk.Bool("all", "show what stays the same, too"),
			sdk.Bool("prune-tagged", "also remove what was launched for the same cloud of a layout, and isn't listed any more"),
			sdk.Int("parallel", 8, "clouds to work on at a time").ValueName("N"),
		}, bridge.ScheduleFlags()...),
		Columns: sdk.Columns{
			{Title: "Cloud"},
			{Title: "Kind"},
			{Title: "Name"},
			{Title: "Action"},
			{Title: "Reason"},
			{Title: "Outcome"},
			{Title: "Resource ID", Key: "resource_id", Hidden: true},
		},
		Run: bridge.Run(runLaunch), Complete: completeLaunch,
	}
}

func runLaunch(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if in.Int("parallel") < 1 {
		return fault.Bad("parallel", "", "%d is less than 1", in.Int("parallel"))
	}
	if err := launch.CheckKinds(in.Strings("only")); err != nil {
		return err
	}
	environment := in.Environment()
	l, err := layout.ReadFile(in.File("file"), layout.Options{
		Only: in.Strings("cloud"),
		Env: func(name string) (string, bool) {
			value, set := environment[name]
			return value, set
		},
	})
	if err != nil {
		return err
	}
	entries := entries{in: in}
	defer entries.close()
	o := launch.Options{
		Layout: l, Open: entries.open, Only: in.Strings("only"), PruneTagged: in.Bool("prune-tagged"), Everything: in.Bool("all"),
		Parallel: in.Int("parallel"),
	}
	if in.Bool("plan") {
		p, err := launch.NewPlan(ctx, o)
		if err != nil {
			return err
		}
		return bridge.ShowOnly(ctx, in, out, p)
	}
	return bridge.Scheduled(in, "launch", in.File("file"), func(run *bridge.ScheduledRun) error {
		if !in.DryRun() {
			release, err := launch.Hold(ctx, in.File("file"), bridge.Reporter(in, out))
			if err != nil {
				return err
			}
			defer release()
		}
		p, err := launch.NewPlan(ctx, o)
		if err != nil {
			return err
		}
		err = bridge.CarryOut(ctx, in, out, p)
		p.Record(run.Run)
		return err
	})
}

// entries are the clouds of clouds.yaml that a layout uses, each signed in to once for all its regions.
type entries struct {
	in *sdk.Input

	mu     sync.Mutex
	opened map[string]*opening
}

type opening struct {
	once  sync.Once
	cloud *cloud.Cloud
	err   error
}

func (e *entries) open(ctx context.Context, name, region string) (*cloud.Cloud, error) {
	e.mu.Lock()
	if e.opened == nil {
		e.opened = map[string]*opening{}
	}
	one := e.opened[name]
	if one == nil {
		one = &opening{}
		e.opened[name] = one
	}
	e.mu.Unlock()
	one.once.Do(func() { one.cloud, one.err = bridge.Cloud(ctx, e.in, name) })
	if one.err != nil || region == "" {
		return one.cloud, one.err
	}
	return one.cloud.In(region)
}

func (e *entries) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.opened {
		if one.cloud != nil {
			one.cloud.Close()
		}
	}
}

// completeLaunch suggests the clouds of the layout, and kinds.
func completeLaunch(_ context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	words := layout.Kinds()
	if what.Flag == "cloud" {
		words = layout.Names(in.File("file"))
	}
	return bridge.Suggest(words, what.Prefix), nil
}
