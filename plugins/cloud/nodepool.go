package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func validateCommand() sdk.Command {
	return sdk.Command{
		Path: "cloud nodepool validate", Kind: sdk.List, Danger: sdk.Reads,
		Short: "Check nodepool's configuration files",
		Long: "Checks the keys, types and exclusions of nodepool's schema, for providers of the driver openstack, and whether the " +
			"labels, diskimages and cloud images that are named exist. It sends no requests. An unknown key is an error that " +
			"suggests the closest match.\n\nThe exit code is 1 if there are errors or, with --strict, warnings.",
		Examples: []sdk.Example{{Text: "Before a review", Command: "imgctl cloud nodepool validate nodepool/nl01.yaml"}},
		Args:     []sdk.Arg{sdk.OneOrMore("FILE", "configuration file of nodepool").Completes(sdk.CompleteFiles)},
		Flags:    sdk.Flags{sdk.Bool("strict", "count warnings as errors")},
		Columns: sdk.Columns{
			{Title: "File"}, {Title: "Line"}, {Title: "Column"}, {Title: "Severity"}, {Title: "Problem"}, {Title: "Path", Hidden: true},
		},
		Run: bridge.Run(validate),
	}
}

func validate(_ context.Context, in *sdk.Input, out *sdk.Output) error {
	var failed error
	for _, file := range in.ArgValues("FILE") {
		c, err := nodepool.Read(in.Path(file))
		if err != nil {
			if len(in.ArgValues("FILE")) == 1 {
				return err
			}
			out.Row(file, 0, 0, nodepool.Error, err.Error(), "")
			failed = err
			continue
		}
		problems := c.Validate()
		if record, err := nodepool.ReadRecord(nodepool.RecordPath(in.Path(file))); err == nil {
			problems = append(problems, c.Overdue(record, in.Now())...)
		}
		for _, p := range problems {
			out.Row(file, p.Line, p.Column, p.Severity, p.Message, p.Path)
		}
		if err := c.Verdict(problems, in.Bool("strict")); err != nil {
			failed = err
		}
	}
	return failed
}

// configFlag names the configuration file to edit.
func configFlag() sdk.Flag {
	return sdk.File("file", "", "configuration file of nodepool").ValueName("FILE").Required()
}

// editFlags are those of commands that edit a configuration.
func editFlags() sdk.Flags {
	return sdk.Flags{
		configFlag(),
		sdk.Strings("pool", "only this pool").ValueName("POOL").Completes(sdk.CompleteDynamically),
		sdk.File("record", "", "file that keeps the values from before (default: the name of --file with .disabled.json)").Writes(),
		sdk.String("patches", "", "write the change and its revert to this folder, as patches for git am, and leave the file as it is").
			ValueName("FOLDER").Completes(sdk.CompleteDirectories),
		sdk.String("author", "", "author of the patches, such as 'Jane Doe <jane@example.org>'").ValueName("NAME <EMAIL>"),
	}
}

func edited() sdk.Columns {
	return sdk.Columns{
		{Title: "Provider"}, {Title: "Place"}, {Title: "Setting"}, {Title: "Before"}, {Title: "After"}, {Title: "Line"},
	}
}

// completeProvider suggests the providers of the file that is given, and their pools.
func completeProvider(_ context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	file := in.File("file")
	if file == "" {
		return nil, nil
	}
	c, err := nodepool.Read(file)
	if err != nil {
		return nil, bridge.Problem(err)
	}
	words := c.Providers()
	if what.Flag == "pool" {
		words = c.Pools(in.Arg("PROVIDER"))
	}
	return bridge.Suggest(words, what.Prefix), nil
}
