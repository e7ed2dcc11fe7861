package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/convert"
	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func convertCommand() sdk.Command {
	return sdk.Command{
		Path: "catalog convert", Kind: sdk.Raw,
		Short: "Convert packuilon's templates to HCL",
		Long: "Writes one HCL template that builds the same as the JSON templates. $NAME, $IMAGE and $METADATA become values of the " +
			"data source " +
			"openstack-catalog, so that values from a profile are never interpreted; in the commands of shell provisioners they " +
			"become environment variables. " +
			"A post-processor that only runs rename-old-images.sh becomes openstack-promote. Paths in the templates stay as they are.\n\n" +
			"With --profile-url, the steps that upload and run update_ccm_conf.sh become openstack-quattor. Notes on what to check " +
			"are written to standard error.",
		Examples: []sdk.Example{
			{Text: "Convert two templates", Command: "imgctl catalog convert templates/managed.json templates/unmanaged.json > " +
				"packuilon.pkr.hcl"},
			{
				Text: "With the provisioner openstack-quattor",
				Command: "imgctl catalog convert managed.json --profile-url 'http://aquilon.example.com/profiles/{{ .Hostname " +
					"}}.json' > managed.pkr.hcl",
			},
		},
		Args: []sdk.Arg{sdk.OneOrMore("FILE", "template of packuilon").Completes(sdk.CompleteFiles)},
		Flags: sdk.Flags{
			sdk.String("profile-url", "", "profile_url of the provisioner openstack-quattor").ValueName("URL"),
		},
		Run: bridge.Run(convertFiles),
	}
}

func convertFiles(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	var files []convert.File
	for _, name := range in.ArgValues("FILE") {
		text, err := profile.Read(ctx, in.Path(name))
		if err != nil {
			return err
		}
		files = append(files, convert.File{Name: name, Text: text})
	}
	result, err := convert.Convert(files, convert.Options{ProfileURL: in.String("profile-url")})
	if err != nil {
		return err
	}
	for _, note := range result.Notes {
		out.Log().Warn(note)
	}
	_, err = out.Stdout().Write(result.HCL)
	return err
}
