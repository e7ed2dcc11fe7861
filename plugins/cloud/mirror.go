package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/mirror"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func mirrorCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud mirror plan", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Plan the mirror of a cloud: flavor, volume, DNS",
		Long: "Chooses the smallest flavor with 8 GiB of memory and 4 vCPUs, one called mirror before others; says whether the quota " +
			"has room for a volume of 500 GB, or the flavor has such a disk, and for a second one to boot from if the flavor's disk " +
			"has less than 250 GB; and writes the lines for DNS. They have the server's addresses if it is there already. Only " +
			"reads.\n\n" +
			"The exit code is 4 if no flavor is large enough, and 7 if there is room for the data nowhere.",
		Examples: []sdk.Example{
			{Text: "What does the mirror need?", Command: "imgctl cloud mirror plan openstackci-donor"},
			{
				Text:    "Only the lines for DNS",
				Command: "imgctl cloud mirror plan openstackci-donor -f value -c Value | grep ' IN '",
			},
		},
		Args: []sdk.Arg{sdk.One("CLOUD", "cloud of the mirror's project").Completes(sdk.CompleteClouds)},
		Flags: sdk.Flags{
			sdk.String("region", "", "region of the cloud (default: the entry's)").ValueName("REGION").Completes(sdk.CompleteDynamically),
			sdk.String("domain", "opendev.org", "domain of the mirror's name").ValueName("DOMAIN"),
			sdk.String("provider", "", "the cloud's part of the name (default: the entry's name without openstackci-)").ValueName("NAME"),
			sdk.Int("disk", mirror.Disk, "GB of data that the mirror keeps").ValueName("GB"),
			sdk.Int("boot-disk", mirror.BootDisk, "GB of the disk that the mirror boots from").ValueName("GB"),
		},
		Columns: sdk.Columns{{Title: "Part"}, {Title: "Value"}, {Title: "Evidence"}},
		Run:     bridge.Run(planMirror), Complete: completeRegion,
	}
}

func planMirror(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	if in.Int("disk") < 1 {
		return fault.Bad("disk", "", "%d is less than 1", in.Int("disk"))
	}
	if in.Int("boot-disk") < 1 {
		return fault.Bad("boot_disk", "", "%d is less than 1", in.Int("boot-disk"))
	}
	if in.String("domain") == "" {
		return fault.Bad("domain", "", "it is empty")
	}
	entries := entries{in: in}
	defer entries.close()
	c, err := entries.open(ctx, in.Arg("CLOUD"), in.String("region"))
	if err != nil {
		return err
	}
	p, err := mirror.NewPlan(ctx, c, mirror.Options{
		Domain: in.String("domain"), Provider: in.String("provider"), Disk: in.Int("disk"), BootDisk: in.Int("boot-disk"),
	})
	if err != nil {
		return err
	}
	for _, row := range p.Rows() {
		out.Row(row.Values()...)
	}
	return p.Problem()
}

func completeRegion(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	if what.Flag != "region" {
		return nil, nil
	}
	c, err := bridge.Cloud(ctx, in, in.Arg("CLOUD"))
	if err != nil {
		return nil, bridge.Problem(err)
	}
	defer c.Close()
	return bridge.Suggest(c.Regions(), what.Prefix), nil
}
