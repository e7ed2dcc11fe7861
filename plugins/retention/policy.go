package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func policyCheckCommand() sdk.Command {
	return sdk.Command{
		Path: "retention policy check", Kind: sdk.Show, Needs: []sdk.Need{sdk.NeedsStdin},
		Short:    "Check a policy file, and show what it leaves out",
		Long:     "Reads the policy, with line and column of each error, and shows it with its defaults filled in. Sends no requests.",
		Examples: []sdk.Example{{Text: "In a pipeline", Command: "imgctl retention policy check retention.yaml"}},
		Args:     []sdk.Arg{sdk.One("FILE", "the policy, or - for standard input").Completes(sdk.CompleteFiles)},
		Run:      bridge.Run(checkPolicy),
	}
}

func checkPolicy(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	p, err := readPolicy(in, in.Arg("FILE"))
	if err != nil {
		return err
	}
	stages := make([]string, 0, len(p.Stages))
	for _, s := range p.Stages {
		stages = append(stages, s.At.Text+": "+s.Action)
	}
	age := p.Age.From
	if p.Age.Property != "" {
		age += " " + p.Age.Property
	}
	if p.Age.Otherwise != "" {
		age += ", otherwise " + p.Age.Otherwise
	}
	out.Field("name", p.Name)
	out.Field("select", p.Select)
	out.Field("group", p.Group)
	out.Field("keep", p.Keep)
	out.Field("min_age", p.MinAge.Text)
	out.Field("age", age)
	out.Field("stages", stages)
	out.Field("grace", p.Grace.Text)
	out.Field("budget", p.Budget)
	out.Field("skip", p.Skip)
	out.Field("skip_in_use", p.SkipInUse)
	out.Field("may_be_missing", p.MayBeMissing)
	out.Field("digest", p.Digest())
	return nil
}

func policyShowCommand() sdk.Command {
	return sdk.Command{
		Path: "retention policy show", Kind: sdk.Raw,
		Short: "Print a shipped policy, or the JSON Schema of policies",
		Long: "Prints the text of a policy that comes with imgctl, to start a policy of your own from; or, with the name schema, the " +
			"JSON " +
			"Schema that editors check and complete policies with.",
		Examples: []sdk.Example{
			{Text: "Start from Chameleon's policy", Command: "imgctl retention policy show chameleon"},
			{Text: "For an editor", Command: "imgctl retention policy show schema"},
		},
		Args: []sdk.Arg{sdk.One("NAME", "chameleon, or schema").Completes(sdk.CompleteDynamically)},
		Run:  bridge.Run(showPolicy), Complete: completePolicies,
	}
}

func showPolicy(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	text, err := []byte(retention.Schema), error(nil)
	if name := in.Arg("NAME"); name != "schema" {
		text, err = retention.ShippedPolicy(name)
	}
	if err != nil {
		return err
	}
	_, err = out.Stdout().Write(text)
	return err
}

func completePolicies(context.Context, *sdk.Input, sdk.Completing) ([]sdk.Suggestion, error) {
	suggestions := []sdk.Suggestion{{Value: "schema", Help: "JSON Schema of policy files"}}
	for _, name := range retention.Shipped {
		suggestions = append(suggestions, sdk.Suggestion{Value: name, Help: "shipped policy"})
	}
	return suggestions, nil
}

func reportCommand() sdk.Command {
	return sdk.Command{
		Path: "retention report", Kind: sdk.Action, Needs: []sdk.Need{sdk.NeedsCloud, sdk.NeedsClouds, sdk.NeedsStdin},
		Short: "Write a page about images, their ages and what comes next",
		Long: "The page is one file that needs no network: a timeline of the policy's groups, ages, sizes, stages, who uses what, and " +
			"what the " +
			"next runs do on which day. It can be sorted and filtered, and only reads the cloud.",
		Examples: []sdk.Example{{
			Text: "For the web server", Command: "imgctl --os-cloud ci retention report --policy retention.yaml --html " +
				"/srv/www/images.html",
		}},
		Flags: append(sdk.Flags{
			policyFlag().Required(), sdk.File("html", "", "the page to write").ValueName("FILE").Writes().Required(),
		}, surveyFlags()...),
		Run: bridge.Run(report),
	}
}

func report(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	p, done, err := planned(ctx, in, retention.NewPlan)
	if err != nil {
		return err
	}
	defer done()
	if err := wholefile.Write(in.File("html"), 0o644, p.WriteHTML); err != nil {
		return fault.Bad("html", "name a file that can be written", "%w", err)
	}
	out.Field("file", in.File("html"))
	out.Field("images", len(p.Images))
	out.Field("next_run", p.Summary())
	return nil
}
