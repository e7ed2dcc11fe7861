// Command imgctl-usage is the plugin usage, imgctl's door to internal/image/usage.
package main

import (
	"context"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "usage", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{command()},
	})
}

func command() sdk.Command {
	return sdk.Command{
		Path: "usage", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds},
		Short: "Show who uses images, and what breaks without them",
		Long: "It looks at servers in all states, also those that boot from volumes, are shelved or can still be restored; volumes, " +
			"their snapshots and backups; other images; bare-metal nodes; stacks; cluster templates; load balancers; and databases. " +
			"An administrator's credentials show all projects' objects. For what no API tells, name files.\n\n" +
			"If something that may use the images can't be read, the exit code is 3, even if nothing was found: --sources shows what " +
			"was read. A service that the cloud doesn't have is not an error.",
		Args: []sdk.Arg{
			sdk.OneOrMore("IMAGE", "id or exact name of an image; a name stands for all images that have it").
				Completes(sdk.CompleteDynamically),
		},
		Examples: []sdk.Example{
			{Text: "Show who uses an image", Command: "imgctl --os-cloud admin usage CC-Ubuntu22.04"},
			{Text: "Show what breaks if it goes", Command: "imgctl --os-cloud admin usage --impact CC-Ubuntu22.04"},
			{
				Text:    "Also look into a Terraform file and a list of images in use elsewhere",
				Command: "imgctl --os-cloud admin usage --refs-file main.tf --also-in-use edge-sites.txt CC-Ubuntu22.04",
			},
		},
		Flags: sdk.Flags{
			sdk.Bool("impact", "show what breaks without the images, instead of where their use was found"),
			sdk.Bool("sources", "show what was read, instead of what was found"),
			sdk.Strings("also-in-use", "file with the ids or names of images in use, one a line; # begins a comment").
				ValueName("FILE").Completes(sdk.CompleteFiles),
			sdk.Strings("refs-file", "file of any text that names images, such as Terraform's, nodepool's or Packer's").
				ValueName("FILE").Completes(sdk.CompleteFiles),
			sdk.Strings("also-cloud", "further cloud or region that uses the same Image service").
				ValueName("CLOUD").Completes(sdk.CompleteClouds),
			sdk.Strings("allow-incomplete", "source that needn't be read: "+strings.Join(usage.SourceNames, ", ")).
				ValueName("SOURCE").Completes(sdk.CompleteDynamically),
		},
		Columns: found,
		Run:     bridge.Run(run), Complete: complete,
	}
}

func run(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	allowed := in.Strings("allow-incomplete")
	if err := usage.CheckSources("allow_incomplete", allowed); err != nil {
		return err
	}
	var clouds []*cloud.Cloud
	for _, name := range append([]string{""}, in.Strings("also-cloud")...) {
		c, err := bridge.Cloud(ctx, in, name)
		if err != nil {
			return err
		}
		defer c.Close()
		clouds = append(clouds, c)
	}
	report, err := usage.Find(ctx, clouds, in.ArgValues("IMAGE"), usage.Options{
		AlsoInUse: paths(in, "also-in-use"), RefsFiles: paths(in, "refs-file"),
	})
	if err != nil {
		return err
	}
	switch {
	case in.Bool("sources"):
		out.Columns(sources...)
		for _, s := range report.Index.Sources() {
			out.Row(s.Name, s.Cloud, string(s.State), s.Uses, s.Detail)
		}
	case in.Bool("impact"):
		out.Columns(impact...)
		show(out, report, func(u usage.Use) (any, any) { i := u.Impact(); return strings.Join(i.Breaks, ", "), i.Why })
	default:
		show(out, report, func(u usage.Use) (any, any) { return u.How, u.Evidence })
	}
	return report.Complete(allowed...)
}

func paths(in *sdk.Input, flag string) []string {
	var all []string
	for _, p := range in.Strings(flag) {
		all = append(all, in.Path(p))
	}
	return all
}

func show(out *sdk.Output, report *usage.Report, last func(usage.Use) (any, any)) {
	for _, f := range report.Images {
		if f.Gone {
			out.Text("no image has the id " + f.Image.ID)
		}
		if len(f.Uses) == 0 {
			out.Text("no use of image " + f.Image.ID + " was found")
		}
		for _, u := range f.Uses {
			one, two := last(u)
			out.Row(f.Image.ID, f.Image.Name, u.Kind, u.ID, u.Name, u.Project, one, two)
		}
	}
}
