package main

import (
	"context"
	"os"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func applyCommand() sdk.Command {
	return sdk.Command{
		Path: "retention apply", Kind: sdk.List, Danger: sdk.Destroys,
		Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds, sdk.NeedsStdin},
		Short: "Carry out a plan, or a policy every night",
		Long: "With PLAN, carries out a plan file. With --policy instead, makes a plan and carries it out: the first run with a " +
			"policy that " +
			"is new to the cloud, or has changed, only reports; the next one acts.\n\n" +
			"Each image is read again right before its action. One that has changed, or is in use by now, is left alone and has the " +
			"outcome skipped. An image that is to be deleted is deactivated first, and becomes active again if it turns out to be in " +
			"use. " +
			"More deletions than the policy's budget stop the run before it changes anything. Exit code 3 means that some images failed.",
		Examples: []sdk.Example{
			{Text: "Apply a reviewed plan", Command: "imgctl --os-cloud ci retention apply plan.json"},
			{
				Text: "Every night",
				Command: "imgctl --os-cloud ci retention apply --policy retention.yaml --yes --json-report " +
					"/var/lib/imgctl/retention.json " +
					"--metrics /var/lib/prometheus/node-exporter/imgctl-retention.prom",
			},
		},
		Args:    []sdk.Arg{sdk.Optional("PLAN", "plan file, as plan --out writes it").Completes(sdk.CompleteFiles)},
		Flags:   append(append(sdk.Flags{policyFlag()}, surveyFlags()...), bridge.ScheduleFlags()...),
		Columns: planColumns, Run: bridge.Run(apply),
	}
}

func apply(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	file := in.Arg("PLAN")
	if (file == "") == (in.String("policy") == "") {
		return fault.New(fault.Usage, "", "give either a plan's file or %s", fault.Option("policy"))
	}
	name := file
	var policy *retention.Policy
	if file == "" {
		var err error
		if policy, err = policyOf(in); err != nil {
			return err
		}
		name = policy.Name
	}
	return bridge.Scheduled(in, "retention", name, func(run *bridge.ScheduledRun) error {
		site, done, err := open(ctx, in)
		if err != nil {
			return err
		}
		defer done()
		p, err := load(ctx, in, site, file, policy)
		if err != nil {
			return err
		}
		run.Name, run.Cloud = p.Policy.Name, site.Cloud
		err = bridge.CarryOut(ctx, in, out, p)
		p.Record(run.Run)
		return err
	})
}

func load(ctx context.Context, in *sdk.Input, site retention.Site, file string, policy *retention.Policy) (*retention.Plan, error) {
	if policy != nil {
		return retention.Scheduled(ctx, site, policy)
	}
	f, err := os.Open(in.Path(file))
	if err != nil {
		return nil, fault.New(fault.Usage, "name a readable file", "%w", err)
	}
	defer f.Close()
	return retention.ReadPlan(f, site)
}
