package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func checkCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud check", Kind: sdk.List, Danger: sdk.Destroys, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Check that a cloud has what CI needs",
		Long: "Holds a cloud against the requirements of a profile: TLS and accounts, image uploads, flavors, quotas, networks and the " +
			"API's speed. CLOUD is the project that test nodes will run in; name that of the mirror with --ci.\n\n" +
			"A requirement is a must, a warning or information, as the profile says. The exit code is 0 if all musts are met, 1 if one " +
			"isn't (with --strict also for a warning), and 3 if one couldn't be checked.\n\n" +
			"Without --active, nothing is changed. With it, two images of 1 MiB are uploaded, and a server is booted and reached over " +
			"SSH at its public address. Both carry a run id, and are removed whatever happens, also on Ctrl-C. What a killed check " +
			"leaves, --sweep removes when its deadline has passed, or at once with --run.\n\n" +
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
				Text:    "Also upload an image, and boot a server and log in to it",
				Command: "imgctl cloud check openstackzuul-donor --active --image ubuntu-noble --ssh-user ubuntu",
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
			sdk.Bool("active", "also upload images and boot a server, and remove both"),
			sdk.String("image", "", "image of the server, by name or id (default: the smallest one whose user is known)").
				ValueName("IMAGE").Completes(sdk.CompleteDynamically),
			sdk.String("ssh-user", "", "user that the image lets in (default: the usual one of its distribution)").ValueName("USER"),
			sdk.Int("ssh-port", defaultSSHPort, "port of the server's SSH").ValueName("PORT"),
			sdk.String("flavor", "", "flavor of the server, by name or id (default: the one that fits test nodes)").ValueName("FLAVOR").
				Completes(sdk.CompleteDynamically),
			sdk.String("network", "", "network of the server, by name or id (default: the one that Nova chooses)").ValueName("NETWORK").
				Completes(sdk.CompleteDynamically),
			sdk.Duration("limit", check.DefaultTimeout, "how long the server may take until it lets in"),
			sdk.Bool("sweep", "remove what killed checks and other dead runs have left in the project, instead of checking"),
			sdk.Strings("run", "with --sweep, only this run, whatever its deadline").ValueName("ID"),
			sdk.File("junit", "", "write a JUnit report to this file").ValueName("FILE").Writes(),
			sdk.File("sarif", "", "write a SARIF report to this file").ValueName("FILE").Writes(),
			sdk.File("html", "", "write a page for the donor to this file").ValueName("FILE").Writes(),
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
	if err := agree(in); err != nil {
		return err
	}
	if in.Bool("sweep") {
		return sweepProbes(ctx, in, out)
	}
	if in.Bool("active") {
		o.Active = &check.Active{
			Run: cloud.Run(cmp.Or(in.RunID(), string(cloud.NewRun()))), Image: in.String("image"), SSHUser: in.String("ssh-user"),
			SSHPort: in.Int("ssh-port"), Flavor: in.String("flavor"), Network: in.String("network"), Timeout: in.Duration("limit"),
		}
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

const (
	defaultSSHPort = 22
	maxPort        = 65535
)

// agree checks flags that mean something only together.
func agree(in *sdk.Input) error {
	var errs []error
	for _, flag := range []string{"image", "ssh-user", "ssh-port", "flavor", "network", "limit"} {
		name := strings.ReplaceAll(flag, "-", "_")
		if in.IsSet(flag) && !in.Bool("active") {
			errs = append(errs, fault.New(fault.Usage, "", "%s needs %s", fault.Option(name), fault.Option("active")))
		}
	}
	for _, flag := range []string{"image", "ssh-user", "flavor", "network", "ci"} {
		if in.IsSet(flag) && strings.TrimSpace(in.String(flag)) == "" {
			errs = append(errs, fault.Bad(strings.ReplaceAll(flag, "-", "_"), "leave it out, or give a value", "it is empty"))
		}
	}
	if in.IsSet("run") && !in.Bool("sweep") {
		errs = append(errs, fault.New(fault.Usage, "", "%s needs %s", fault.Option("run"), fault.Option("sweep")))
	}
	if in.Bool("sweep") && in.Bool("active") {
		errs = append(errs, fault.New(fault.Usage, "", "%s and %s exclude each other", fault.Option("sweep"), fault.Option("active")))
	}
	if port := in.Int("ssh-port"); port < 1 || port > maxPort {
		errs = append(errs, fault.Bad("ssh_port", "use 1 to 65535", "%d is not a port", port))
	}
	if in.Duration("limit") <= 0 {
		errs = append(errs, fault.Bad("limit", "use a positive time such as 10m", "%s isn't positive", in.Duration("limit")))
	}
	return fault.Wrap(fault.Usage, "", errors.Join(errs...))
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
	c, images, err := bridge.Images(ctx, in, in.Arg("CLOUD"))
	if err != nil {
		return nil, bridge.Problem(err)
	}
	defer c.Close()
	var values []string
	switch what.Flag {
	case "region":
		values = slices.Concat([]string{check.AllRegions}, c.Regions())
	case "image":
		found, err := images.Images(ctx, glance.Query{})
		if err != nil {
			return nil, bridge.Problem(err)
		}
		for _, img := range found {
			values = append(values, img.Name)
		}
		slices.Sort(values)
	case "flavor", "network":
		if values, err = check.Names(ctx, c, what.Flag); err != nil {
			return nil, bridge.Problem(err)
		}
	}
	return bridge.Suggest(values, what.Prefix), nil
}
