package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func testCommand() sdk.Command {
	return sdk.Command{
		Path: "ipa test", Kind: sdk.List, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Test a deploy ramdisk on a free node",
		Long: "Reserves a free node of the type, sets kernel and ramdisk, deploys the node, checks it, ends the instance, and waits " +
			"until the node is cleaned: only then has the ramdisk passed. Without --kernel and --ramdisk, tests the newest pair.\n\n" +
			"Whatever happens, the node gets its own images back, also on Ctrl-C. After a failure it is cleaned with them. The values " +
			"before are in the node's extra: if the run is killed, `imgctl ipa rollback --run` restores the node from any machine.\n\n" +
			"Nova boots the server, unless --direct has Ironic deploy the node. On a cloud with Blazar, a lease reserves the node.",
		Examples: []sdk.Example{
			{Text: "Test the newest pair", Command: "imgctl --os-cloud admin ipa test --node-type compute_skylake --image ubuntu"},
			{
				Text:    "Test it without Nova, and roll it out if it passes",
				Command: "imgctl --os-cloud admin ipa test --node-type compute_skylake --image ubuntu --direct --push",
			},
			{
				Text: "Test these images on one node, with a report for CI",
				Command: "imgctl --os-cloud admin ipa test --node node-1 --kernel ipa-kernel-9 --ramdisk ipa-ramdisk-9 --image ubuntu " +
					"--junit ipa.xml",
			},
		},
		Flags: slices.Concat(nodeFlags(), pairFlags(), sdk.Flags{
			sdk.String("image", "", "image to deploy, by id or name").ValueName("IMAGE").Completes(sdk.CompleteDynamically),
			sdk.Bool("direct", "let Ironic deploy the node, without Nova"),
			sdk.Bool("provide", "if no node is available, make a manageable one available for the test, and manageable again after it"),
			sdk.String("flavor", "baremetal", "flavor of the server, by id or name").ValueName("FLAVOR"),
			sdk.String("network", "", "id of the server's network (default: Nova chooses)").ValueName("ID"),
			sdk.String("key", "", "key pair of the server (default: none)").ValueName("NAME"),
			sdk.Strings("check", "what an active node must pass: "+strings.Join(baremetal.Checks, ", ")+" (default: "+
				strings.Join(baremetal.DefaultChecks, ", ")+")").ValueName("CHECK").Completes(sdk.CompleteDynamically),
			sdk.String("console", "", "also wait until a line of the server's console matches this regular expression; needs Nova").
				ValueName("REGEX"),
			sdk.Duration("deploy-timeout", baremetal.DefaultDeploy, "how long the deployment may take"),
			sdk.Duration("clean-timeout", baremetal.DefaultClean, "how long cleaning may take"),
			sdk.Duration("lock-timeout", baremetal.DefaultLock, "how long to wait for a locked node"),
			sdk.Bool("push", "if it passes, roll it out to the nodes of the type, as ipa push does"),
			sdk.File("report", "", "write a report in JSON to this file").Writes(),
			sdk.File("junit", "", "write a JUnit report to this file").Writes(),
		}, rolloutFlags()),
		Columns: sdk.Columns{
			{Title: "Phase"},
			{Title: "Node"},
			{Title: "State"},
			{Title: "Took", Unit: sdk.UnitSeconds},
			{Title: "Detail"},
		},
		Run: bridge.Run(test), Complete: complete,
	}
}

func test(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if err := positive(in, "deploy-timeout", "clean-timeout", "lock-timeout", "retry-for"); err != nil {
		return err
	}
	o := baremetal.TestOptions{
		Selection: selection(in), PairOptions: pair(in), Direct: in.Bool("direct"), Provide: in.Bool("provide"),
		Image:  in.String("image"),
		Server: baremetal.ServerOptions{Flavor: in.String("flavor"), Network: in.String("network"), Key: in.String("key")},
		Checks: in.Strings("check"), Console: in.String("console"), Deploy: in.Duration("deploy-timeout"),
		Clean: in.Duration("clean-timeout"), Lock: in.Duration("lock-timeout"),
	}
	if in.Bool("push") {
		push := rollout(in)
		o.Push = &push
	}
	s, done, err := reach(ctx, in, in.String("image-owner"), in.Bool("doni"))
	if err != nil {
		return err
	}
	defer done()
	plan, err := baremetal.NewTest(ctx, s, o)
	if err != nil {
		return err
	}
	err = bridge.CarryOut(ctx, in, out, plan)
	if in.DryRun() {
		return err
	}
	return errors.Join(err, write(in, "report", plan.JSON), write(in, "junit", plan.JUnit))
}

// write writes a report to the file that a flag names.
func write(in *sdk.Input, flag string, report func(io.Writer) error) error {
	path := in.File(flag)
	if path == "" {
		return nil
	}
	return fault.In(flag, wholefile.Write(path, 0o644, report))
}
