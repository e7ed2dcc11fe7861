package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/dashboard"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func dashboardCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud dashboard", Kind: sdk.Action, Danger: sdk.Reads,
		Short: "Write a Grafana dashboard of a provider of nodepool",
		Long: "Writes JSON that Grafana imports: servers by state, launches, errors, the time until a server is ready, and how long " +
			"the cloud takes to answer. The metrics are those that nodepool sends by statsd, as Graphite keeps them or as Prometheus " +
			"does behind its statsd_exporter; --statsd-mapping writes the exporter's configuration. It sends no requests.",
		Examples: []sdk.Example{
			{Text: "All providers of rax, from Graphite", Command: "imgctl cloud dashboard rax --file nodepool/nl05.yaml --write rax.json"},
			{Text: "From Prometheus", Command: "imgctl cloud dashboard rax --source prometheus --statsd-mapping mapping.yaml --write " +
				"rax.json"},
		},
		Args: []sdk.Arg{
			sdk.One("PROVIDER", "provider, or what the names of several begin with: rax stands for rax, rax-dfw and rax-iad").
				Completes(sdk.CompleteDynamically),
		},
		Flags: sdk.Flags{
			sdk.Enum("source", dashboard.Graphite, "where the metrics are", dashboard.Graphite, dashboard.Prometheus),
			sdk.File("file", "", "configuration file of nodepool, which says what providers there are"),
			sdk.String("title", "", "title of the dashboard (default: Nodepool: and the provider)").ValueName("TEXT"),
			sdk.String("data-source", "", "uid of Grafana's data source (default: its default one of that kind)").ValueName("UID"),
			sdk.File("statsd-mapping", "", "also write the configuration of Prometheus's statsd_exporter to this file").Writes(),
			sdk.File("write", "", "file to write (default: standard output)").Writes(),
		},
		Run: bridge.Run(runDashboard, map[string]string{"provider": "PROVIDER"}), Complete: completeProvider,
	}
}

func runDashboard(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	o := dashboard.Options{
		Provider: in.Arg("PROVIDER"), Title: in.String("title"), Source: in.String("source"), DataSource: in.String("data-source"),
	}
	if file := in.File("file"); file != "" {
		c, err := nodepool.Read(file)
		if err != nil {
			return err
		}
		o.Known = append([]string{}, c.Providers()...)
	}
	text, err := dashboard.Make(o)
	if err != nil {
		return err
	}
	if file := in.File("statsd-mapping"); file != "" {
		if err := wholefile.Replace(file, 0o644, []byte(dashboard.Mapping)); err != nil {
			return err
		}
	}
	if file := in.File("write"); file != "" {
		return wholefile.Replace(file, 0o644, text)
	}
	_, err = out.Stdout().Write(text)
	return err
}
