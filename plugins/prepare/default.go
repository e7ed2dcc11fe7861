package main

import (
	"context"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/answer"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func defaultCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare default", Kind: sdk.Raw, Danger: sdk.Changes,
		Short: "Write an environment file to begin with",
		Long:  "Writes the environment file that prepares a release's images as they come, to be changed as needed.",
		Examples: []sdk.Example{
			{Text: "Copy the images to the undercloud's registry", Command: "imgctl prepare default --local-push-destination " +
				"--output-env-file containers.yaml"},
		},
		Flags: sdk.Flags{
			sdk.File("output-env-file", "", "also write it to this file; one that is there is kept as FILE.backup").Writes(),
			sdk.Bool("local-push-destination", "have the images copied to the undercloud's registry"),
			sdk.Bool("enable-registry-login", "have every node sign in to the registries of ContainerImageRegistryCredentials"),
			sdk.Enum("release", imagelist.Latest, "OpenStack release whose images are meant", imagelist.Releases()...),
		},
		Run: bridge.Run(writeDefault),
	}
}

func writeDefault(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	release, err := imagelist.ByName(in.String("release"))
	if err != nil {
		return err
	}
	command := []string{in.Program(), "prepare", "default"}
	for _, flag := range []string{"local-push-destination", "enable-registry-login"} {
		if in.Bool(flag) {
			command = append(command, "--"+flag)
		}
	}
	if in.IsSet("release") {
		command = append(command, "--release", release.Name)
	}
	text, err := answer.Defaults{
		Release: release.Name, TagFromLabel: release.TagFromLabel, Set: release.Defaults(),
		LocalPush: in.Bool("local-push-destination"), RegistryLogin: in.Bool("enable-registry-login"),
		GeneratedBy: strings.Join(command, " "), GeneratedWhen: in.Now().UTC().Format(time.RFC3339),
	}.Environment()
	if err != nil {
		return err
	}
	if in.Bool("enable-registry-login") {
		out.Text("Add ContainerImageRegistryCredentials, such as {registry.example: {user: password}}, to an environment file")
		if in.Bool("local-push-destination") {
			out.Log().Warn("nodes pull from the undercloud's registry, which needs no login: it is unusual to set both flags")
		}
	}
	if _, err := out.Stdout().Write(text); err != nil {
		return err
	}
	if file := in.File("output-env-file"); file != "" && !in.DryRun() {
		return replace(file, text, true)
	}
	return nil
}
