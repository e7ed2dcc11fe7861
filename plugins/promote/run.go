package main

import (
	"context"
	"errors"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func runCommand() sdk.Command {
	return sdk.Command{
		Path: "promote run", Kind: sdk.Action, Danger: sdk.Changes,
		Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds, sdk.NeedsEnvironment},
		Short: "Make an image the current one of its name",
		Long: "Gives the image the name, and archives its predecessors, the images that carried the name before. " +
			"The projects that they are shared with get the new image, each with the status it had.\n\n" +
			"All or nothing: a failure is rolled back. A killed run leaves a journal on the image; `imgctl promote resume`, or the " +
			"next promotion of the name, " +
			"finishes it or rolls it back. You can promote any image, whatever built it.",
		Examples: []sdk.Example{
			{
				Text:    "Promote an image that was built under another name",
				Command: "imgctl --os-cloud ci promote run web-base-42 --name web-base",
			},
			{Text: "Show what would change", Command: "imgctl --os-cloud ci promote run web-base-42 --name web-base --dry-run"},
		},
		Args: []sdk.Arg{sdk.One("IMAGE", "image, by id, or by exact name if it is unique").Completes(sdk.CompleteDynamically)},
		Flags: append(sdk.Flags{
			sdk.String("name", "", "name under which the image becomes current (default: its own)").Completes(sdk.CompleteDynamically),
		}, append(promotionFlags(), bridge.BootTestFlags(bootTest)...)...),
		Run: bridge.Run(run, renamed, bridge.BootTestNames(bootTest)), Complete: completeNames,
	}
}

func run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o := promotion(in)
	o.Name, o.Owner = in.String("name"), in.String("project")
	if err := valid(o); err != nil {
		return err
	}
	test, done, err := checked(ctx, in)
	if err != nil {
		return err
	}
	defer done()
	o.Check = test
	s, err := reach(ctx, in, in.Strings("accept-with")...)
	if err != nil {
		return err
	}
	defer s.close()
	if o.ImageID, err = promote.Find(ctx, s.Site, s.owner, in.Arg("IMAGE")); err != nil {
		return err
	}
	plan, err := promote.NewPlan(ctx, s.Site, o)
	if err != nil {
		return err
	}
	return bridge.CarryOutFields(ctx, in, out, plan.On(s.Site))
}

// checked is the boot test that the user asks for, nil without one.
func checked(ctx context.Context, in *sdk.Input) (*promote.Check, func(), error) {
	none := func() {}
	o, ok, err := bridge.BootTest(in, bootTest)
	if err != nil || !ok {
		return nil, none, err
	}
	if err := fault.Wrap(fault.Usage, "", errors.Join(o.Validate()...)); err != nil {
		return nil, none, err
	}
	site, err := bridge.BootTestSite(ctx, in)
	if err != nil {
		return nil, none, err
	}
	return &promote.Check{
		What: "boot test: " + strings.Join(o.Signs(), ", "),
		Run: func(ctx context.Context, img *glance.Image, rep report.Reporter) error {
			o.Image = img.ID
			return boottest.Test(ctx, site, o, rep)
		},
	}, site.Cloud.Close, nil
}

func valid(o promote.Options) error {
	return fault.Wrap(fault.Usage, "", errors.Join(o.Validate()...))
}
