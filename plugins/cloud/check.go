package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func checkCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud check", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Check that a cloud has what CI needs",
		Long: "Holds a cloud against the requirements of a profile: TLS and accounts, image uploads, flavors, quotas, networks and the " +
			"API's speed. CLOUD is the project that test nodes will run in; name that of the mirror with --ci.\n\n" +
			"A requirement is a must, a warning or information, as the profile says. The exit code is 0 if all musts are met, 1 if one " +
			"isn't (with --strict also for a warning), and 3 if one couldn't be checked.\n\n" +
			"What launching the cloud brings has the status later, and is a must with --launched.",
		Examples: []sdk.Example{
			{
				Text:    "Check both projects of a donated cloud",
				Command: "imgctl cloud check openstackzuul-donor --ci openstackci-donor",
			},
			{
				Text:    "Send the donor a page with what there is to do",
				Command: "imgctl cloud check openstackzuul-donor --ci openstackci-donor --html donor.html",
			},
			{
				Text:    "Check all regions in CI, by requirements of your own",
				Command: "imgctl cloud check test --region all --profile requirements.yaml --junit check.xml --strict",
			},
		},
		Args: []sdk.Arg{
			sdk.One("CLOUD", "cloud of the test nodes' project").Completes(sdk.CompleteClouds),
		},
		Flags: sdk.Flags{
			sdk.CloudName("ci", "cloud of the mirror's project"),
			sdk.Strings("region", "region to check, or all (default: the entry's)").ValueName("REGION").Completes(sdk.CompleteDynamically),
			sdk.String("profile", check.OpenDev, "requirements: a file, or the shipped profile "+check.OpenDev).ValueName("FILE").
				Completes(sdk.CompleteFiles),
			sdk.Bool("launched", "the cloud is launched: its default security group, key pairs and mirror are required"),
			sdk.Bool("strict", "treat warnings as failures"),
			sdk.File("junit", "", "write a JUnit report to this file").ValueName("FILE"),
			sdk.File("sarif", "", "write a SARIF report to this file").ValueName("FILE"),
			sdk.File("html", "", "write a page for the donor to this file").ValueName("FILE"),
		},
		Columns: sdk.Columns{
			{Title: "Check"},
			{Title: "Region"},
			{Title: "Severity"},
			{Title: "Status"},
			{Title: "What"},
			{Title: "Evidence"},
			{Title: "Remedy"},
		},
		Run: bridge.Run(runCheck), Complete: completeCheck,
	}
}

func runCheck(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o := check.Options{
		Regions: in.Strings("region"), Launched: in.Bool("launched"), Strict: in.Bool("strict"), Spelling: bridge.Words(in),
	}
	var err error
	if o.Profile, err = profileOf(in); err != nil {
		return err
	}
	if err := check.Regions(o.Regions); err != nil {
		return err
	}
	name := in.Arg("CLOUD")
	if o.Test, err = bridge.Cloud(ctx, in, name); err != nil {
		return signIn(in, out, o, name, err)
	}
	defer o.Test.Close()
	if ci := in.String("ci"); ci != "" {
		if o.Control, err = bridge.Cloud(ctx, in, ci); err != nil {
			return signIn(in, out, o, ci, err)
		}
		defer o.Control.Close()
	}
	plan, err := check.NewPlan(ctx, o)
	if err != nil {
		return err
	}
	err = bridge.CarryOut(ctx, in, out, plan)
	return errors.Join(err, writeReports(in, &plan.Report))
}

// signIn shows the report of a cloud that can't be signed in to.
func signIn(in *sdk.Input, out *sdk.Output, o check.Options, name string, err error) error {
	r, ok := check.SignIn(o, name, in.Now(), err)
	if !ok {
		return err
	}
	for _, row := range r.Rows() {
		out.Row(row.Values()...)
	}
	return errors.Join(r.Err(), writeReports(in, r))
}

func profileOf(in *sdk.Input) (*check.Profile, error) {
	name := in.String("profile")
	if check.Shipped(name) == nil {
		name = in.Path(name)
	}
	p, err := check.GetProfile(name)
	return p, fault.In("profile", err)
}

func writeReports(in *sdk.Input, r *check.Report) error {
	var errs []error
	if path := in.File("junit"); path != "" {
		errs = append(errs, fault.In("junit", wholefile.Write(path, 0o644, r.WriteJUnit)))
	}
	if path := in.File("sarif"); path != "" {
		errs = append(errs, fault.In("sarif", wholefile.Write(path, 0o644, r.WriteSARIF)))
	}
	if path := in.File("html"); path != "" {
		errs = append(errs, fault.In("html", wholefile.Write(path, 0o644, r.WriteHTML)))
	}
	return errors.Join(errs...)
}

func completeCheck(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	if what.Flag != "region" {
		return nil, nil
	}
	c, err := bridge.Cloud(ctx, in, in.Arg("CLOUD"))
	if err != nil {
		return nil, bridge.Problem(err)
	}
	defer c.Close()
	var suggestions []sdk.Suggestion
	for _, region := range slices.Concat([]string{check.AllRegions}, c.Regions()) {
		if strings.HasPrefix(region, what.Prefix) {
			suggestions = append(suggestions, sdk.Suggestion{Value: region})
		}
	}
	return suggestions, nil
}
