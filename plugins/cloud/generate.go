package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

const zuulLauncher = "zuul-launcher"

func generateCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud nodepool generate", Kind: sdk.Action, Danger: sdk.Reads, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Write the configuration of a provider for a cloud",
		Long: "Reads the cloud's flavors, networks, availability zones, security groups and quotas, and writes a provider for the " +
			"labels of a file: for each label the smallest flavor that has enough, with a boot volume where the flavor has no disk " +
			"of that size. max-servers is the smallest of all quotas, less what is used, and a comment says which one it is.\n\n" +
			"It only reads. Bring the result into an existing file with imgctl cloud nodepool merge.",
		Examples: []sdk.Example{
			{Text: "For nodepool", Command: "imgctl cloud nodepool generate donor --labels labels.yaml --write donor.yaml"},
			{Text: "Two regions", Command: "imgctl cloud nodepool generate donor --labels labels.yaml --region North --region South"},
			{Text: "For Zuul's launcher", Command: "imgctl cloud nodepool generate donor --labels labels.yaml --backend zuul-launcher"},
		},
		Args: []sdk.Arg{sdk.One("CLOUD", "the project's cloud").Completes(sdk.CompleteClouds)},
		Flags: sdk.Flags{
			sdk.File("labels", "", "file with the labels, and what their servers need").Required(),
			sdk.Strings("region", "region to write a provider for (default: the cloud's)").ValueName("REGION").
				Completes(sdk.CompleteDynamically),
			sdk.String("max-servers", "auto", "number of servers, or auto for what the quotas allow").ValueName("auto|N"),
			sdk.Enum("backend", "nodepool", "whose configuration to write", "nodepool", zuulLauncher),
			sdk.File("write", "", "file to write (default: standard output)").Writes(),
		},
		Run: bridge.Run(generate, map[string]string{"max_servers": "--max-servers"}), Complete: completeRegion,
	}
}

func generate(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	request, err := nodepool.ReadRequest(in.File("labels"))
	if err != nil {
		return err
	}
	most, err := nodepool.ParseMost(in.String("max-servers"))
	if err != nil {
		return err
	}
	c, err := bridge.Cloud(ctx, in, in.Arg("CLOUD"))
	if err != nil {
		return err
	}
	defer c.Close()
	regions := in.Strings("region")
	if len(regions) == 0 {
		regions = []string{c.Region()}
	}
	if err := request.CheckRegions(regions); err != nil {
		return err
	}
	var offers []*nodepool.Offer
	for _, region := range regions {
		there := c
		if region != c.Region() {
			if there, err = c.In(region); err != nil {
				return err
			}
		}
		facts, err := nodepool.ReadFacts(ctx, there)
		if err != nil {
			return err
		}
		offer, err := request.Fit(facts, most)
		if err != nil {
			return err
		}
		offers = append(offers, offer)
	}
	text := nodepool.Text(offers)
	if in.String("backend") == zuulLauncher {
		if text, err = nodepool.ZuulText(offers); err != nil {
			return err
		}
	}
	if file := in.File("write"); file != "" {
		return wholefile.Replace(file, 0o644, text)
	}
	_, err = out.Stdout().Write(text)
	return err
}

func mergeCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud nodepool merge", Kind: sdk.List, Danger: sdk.Changes,
		Short: "Bring a provider into nodepool's configuration",
		Long: "Adds the labels, diskimages and providers of another file, and replaces values that differ. Nothing is removed, and " +
			"comments, anchors and the order of keys stay. A pool that is disabled stays disabled. Merging again changes nothing.\n\n" +
			"It sends no requests. If an anchor or a merge key would carry a change to another provider, nothing is changed.",
		Examples: []sdk.Example{{Text: "A generated provider", Command: "imgctl cloud nodepool merge donor.yaml --file " +
			"nodepool/nl01.yaml"}},
		Args:    []sdk.Arg{sdk.One("FROM", "file with what to add").Completes(sdk.CompleteFiles)},
		Flags:   sdk.Flags{configFlag()},
		Columns: edited(),
		Run:     bridge.Run(merge),
	}
}

func merge(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	from, err := nodepool.Read(in.Path(in.Arg("FROM")))
	if err != nil {
		return err
	}
	release, err := nodepool.Hold(ctx, in.File("file"), "")
	if err != nil {
		return err
	}
	defer release()
	into, err := nodepool.Read(in.File("file"))
	if err != nil {
		return err
	}
	p, err := into.Merge(from)
	if err != nil {
		return err
	}
	return bridge.CarryOut(ctx, in, out, p)
}
