package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func lintCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare lint", Kind: sdk.List,
		Short: "Find mistakes in environment files",
		Long: "Reads the files together and lists what is wrong with them, what has no effect, and what is spelled like " +
			"something known. " +
			"Nobody is asked. It ends with exit code 1 where there is an error, and with 0 where there are warnings only.",
		Examples: []sdk.Example{{Text: "Check a file before it is used", Command: "imgctl prepare lint containers.yaml"}},
		Args:     []sdk.Arg{sdk.OneOrMore("FILE", "heat environment file; of several, the later count").Completes(sdk.CompleteFiles)},
		Flags: sdk.Flags{
			sdk.Enum("release", imagelist.Latest, "OpenStack release whose images are meant", imagelist.Releases()...),
		},
		Columns: sdk.Columns{{Title: "File"}, {Title: "Line"}, {Title: "Column"}, {Title: "Severity"}, {Title: "Problem"}},
		Run:     bridge.Run(lint),
	}
}

func lint(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	release, err := imagelist.ByName(in.String("release"))
	if err != nil {
		return err
	}
	problems := decide.Lint(ctx, paths(in, in.ArgValues("FILE")), release)
	errors := 0
	for _, p := range problems {
		severity := "warning"
		if p.Error {
			severity = "error"
			errors++
		}
		var line, column any
		if p.Line > 0 {
			line, column = p.Line, p.Column
		}
		out.Row(p.File, line, column, severity, p.Text)
	}
	if errors > 0 {
		return fault.New(fault.Internal, "", "%d of %d problems are errors", errors, len(problems))
	}
	return nil
}
