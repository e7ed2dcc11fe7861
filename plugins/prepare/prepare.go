package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/answer"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func prepareCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare", Kind: sdk.Raw, Danger: sdk.Changes, Needs: []sdk.Need{sdk.NeedsEnvironment},
		Short: "Prepare the container images of a deployment",
		Long: "Reads ContainerImagePrepare from heat environment files, as TripleO does, and writes which image each parameter names. " +
			"Entries with push_destination have their images copied there first: each blob is fetched once, and what a registry " +
			"has isn't sent. " +
			"An image that fails doesn't stop the others; then nothing is written, and the exit code is 3.\n\n" +
			"With --dry-run nothing is copied; the parameters are those of the copies. Registries are asked only where tags are " +
			"found by labels.",
		Examples: []sdk.Example{
			{Text: "Show the parameters, and copy nothing", Command: "imgctl prepare -e containers.yaml --dry-run"},
			{Text: "Only for the services that the roles run", Command: "imgctl prepare -e containers.yaml -r roles_data.yaml " +
				"--output-env-file images.yaml"},
			{Text: "For kolla-ansible", Command: "imgctl prepare -e containers.yaml --as kolla > globals.d/images.yml"},
		},
		Flags: slices.Concat(deploymentFlags(), registryFlags(), outputFlags(), copyFlags(), lockFlags(), modifyFlags()),
		Run:   bridge.Run(prepare),
	}
}

func outputFlags() sdk.Flags {
	return sdk.Flags{
		sdk.File("output-env-file", "", "write the answer to this file instead; one that is there is kept as FILE.backup").Writes(),
		sdk.Enum("as", "heat", "what to write: heat's parameters, kolla-ansible's variables, or all that is known as "+
			"JSON", answer.Formats...),
		sdk.Bool("digest-refs", "name images by digest in place of tag; registries are asked for them"),
		sdk.Enum("cleanup", "full", "for scripts written for TripleO: nothing is left on this machine to clean "+
			"up", "full", "partial", "none"),
	}
}

func prepare(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	d, err := load(in, out)
	if err != nil {
		return err
	}
	if err := d.freeze(in); err != nil {
		return err
	}
	if err := d.reach(in, out); err != nil {
		return err
	}
	defer func() { d.closes() }()
	result, err := d.decide(ctx, out)
	if err != nil {
		return err
	}
	var plan *modify.Plan
	if in.DryRun() {
		if err := expect(ctx, in, out, d, result); err != nil {
			return err
		}
	} else {
		if plan, err = carryOut(ctx, in, out, d, result); err != nil {
			return err
		}
	}
	if in.Bool("digest-refs") || keeps(in) {
		found, err := d.digests(ctx, result, plan)
		if err != nil {
			return err
		}
		if in.Bool("digest-refs") {
			result.Pin(func(i *decide.Image) string { return finalDigest(i, plan, found) })
		}
		if err := keep(in, result, found); err != nil {
			return err
		}
	}
	text, err := answer.Write(in.String("as"), result)
	if err != nil {
		return err
	}
	return write(in, out, text)
}

// write puts the answer into the output file, whole or not at all, else on standard output.
func write(in *sdk.Input, out *sdk.Output, text []byte) error {
	file := in.File("output-env-file")
	if file == "" {
		_, err := out.Stdout().Write(text)
		return err
	}
	if in.DryRun() {
		out.Textf("%s isn't written, as nothing is changed", file)
		_, err := out.Stdout().Write(text)
		return err
	}
	return replace(file, text, true)
}

// replace writes the file, whole or not at all; with backup, one that is there is kept as FILE.backup.
func replace(file string, text []byte, backup bool) error {
	if info, err := os.Stat(file); backup && err == nil && info.Mode().IsRegular() {
		old, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("keeping %s: %w", file, err)
		}
		if err := wholefile.Replace(file+".backup", info.Mode().Perm(), old); err != nil {
			return err
		}
	}
	return wholefile.Replace(file, 0o644, text)
}
