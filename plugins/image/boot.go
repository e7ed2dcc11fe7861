package main

import (
	"context"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func bootTestCommand() sdk.Command {
	return sdk.Command{
		Path: "image boot-test", Kind: sdk.Action, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsCloud},
		Short: "Boot a server from an image and wait for a sign of life",
		Long: "Boots a server from the image, waits until it shows everything that the flags name, and removes the server and all " +
			"else that it made, whatever happens. At least one of --ssh-user, --console, --port and --cloud-init is required. " +
			"The result is noted on the image (imgctl_boot_test). An image that has passed the same test isn't tested again, " +
			"unless --again is given. If the image fails, the command shows the end of the console log and exits with 1.",
		Examples: []sdk.Example{
			{
				Text: "Log in and run a command",
				Command: "imgctl --os-cloud ci image boot-test web-base --flavor m1.small --ssh-user debian " +
					"--ssh-command 'systemctl is-system-running --wait'",
			},
			{
				Text:    "Wait for the login prompt only",
				Command: "imgctl --os-cloud ci image boot-test web-base --flavor m1.small --console 'login:'",
			},
		},
		Args:  []sdk.Arg{sdk.One("IMAGE", "image, by id, or by exact name if it is unique").Completes(sdk.CompleteDynamically)},
		Flags: append(bridge.BootTestFlags(""), sdk.Bool("again", "test an image that has passed this test, too")),
		Run:   bridge.Run(bootTest, bridge.BootTestNames("")), Complete: completeNames,
	}
}

func bootTest(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	o, _, err := bridge.BootTest(in, "")
	if err != nil {
		return err
	}
	if err := fault.Wrap(fault.Usage, "", errors.Join(o.Validate()...)); err != nil {
		return err
	}
	site, err := bridge.BootTestSite(ctx, in)
	if err != nil {
		return err
	}
	defer site.Cloud.Close()
	if o.Image, err = named(ctx, site, in.Arg("IMAGE")); err != nil {
		return err
	}
	o.Again = in.Bool("again")
	p, err := boottest.NewPlan(ctx, site, o)
	if err != nil {
		return err
	}
	return bridge.CarryOutFields(ctx, in, out, p)
}

// named is the id of one of the project's images, or else of one that it can use.
func named(ctx context.Context, site boottest.Site, image string) (string, error) {
	id, err := site.Images.Named(ctx, site.Cloud.Project().ID, image)
	if !fault.Is(err, fault.NotFound) {
		return id, err
	}
	img, err := site.Images.One(ctx, glance.Selector{Name: image}, false)
	if err != nil {
		return "", err
	}
	return img.ID, nil
}
