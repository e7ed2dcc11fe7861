package main

import (
	"context"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func checkCommand() sdk.Command {
	return sdk.Command{
		Path: "catalog check", Kind: sdk.List, Needs: []sdk.Need{sdk.NeedsClouds},
		Short: "Check what a folder of Aquilon profiles builds",
		Long: "Shows each profile's image name, source image and Packer templates, as the data source openstack-catalog " +
			"finds them in packuilon's template map and source images. Missing, malformed and duplicate entries are reported for " +
			"each profile.\n\n" +
			"With --cloud, the source images are looked up in that cloud; each must be active and visible to its project. Without " +
			"it, no requests are sent.\n\n" +
			"The exit code is 3 if only some profiles can be built. If none can, it is that of the first profile's error.",
		Examples: []sdk.Example{
			{
				Text: "All profiles that packuilon would build",
				Command: "imgctl catalog check /etc/packer-utils/profiles --match .cloud.template.json --template-map " +
					"/etc/packer-utils/template-map.json --source-images /etc/packer-utils/source-images.json",
			},
			{
				Text:    "Do the source images still exist?",
				Command: "imgctl catalog check profiles --source-images source-images.json --cloud ci",
			},
		},
		Args: []sdk.Arg{sdk.One("FOLDER", "folder of profiles; its .json files are checked").Completes(sdk.CompleteDirectories)},
		Flags: sdk.Flags{
			sdk.String("template-map", "", "packuilon's template map: a path or URL").ValueName("FILE").Completes(sdk.CompleteFiles),
			sdk.String("source-images", "", "packuilon's source images: a path or URL").ValueName("FILE").Completes(sdk.CompleteFiles),
			sdk.String("match", "", "check only profiles whose file name contains this").ValueName("TEXT"),
			sdk.Enum("name-style", profile.ByPersonality, "how to name images", profile.NameStyles...),
			sdk.Bool("skip-templates", "don't look for the template files, if they are on another machine"),
			sdk.CloudName("cloud", "look up the source images in this cloud"),
		},
		Columns: sdk.Columns{
			{Title: "Profile"},
			{Title: "Image"},
			{Title: "Source Image", Key: "source_image"},
			{Title: "Templates"},
			{Title: "Outcome"},
			{Title: "Problem"},
			{Title: "Metadata", Hidden: true},
		},
		Run: bridge.Run(check),
	}
}

func check(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	var images *glance.Client
	if name := in.String("cloud"); name != "" {
		c, client, err := bridge.Images(ctx, in, name)
		if err != nil {
			return err
		}
		defer c.Close()
		images = client
	}
	findings, err := profile.Check(ctx, images, profile.CheckOptions{
		Options: profile.Options{NameStyle: in.String("name-style")},
		Folder:  in.Path(in.Arg("FOLDER")), Match: in.String("match"),
		TemplateMap: location(in, "template-map"), SourceImages: location(in, "source-images"),
		SkipTemplates: in.Bool("skip-templates"),
	})
	if err != nil {
		return err
	}
	for _, f := range findings {
		recipe, outcome, problem := f.Recipe, "good", any(nil)
		if recipe == nil {
			recipe = &profile.Recipe{}
		}
		if f.Err != nil {
			outcome, problem = "bad", f.Err.Error()
		}
		out.Row(f.File, recipe.Name, recipe.SourceImage, recipe.Templates, outcome, problem, recipe.Metadata)
	}
	return profile.Outcome(findings)
}

// location is the value of a flag that holds a URL, or a path relative to the user's folder.
func location(in *sdk.Input, flag string) string {
	value := in.String(flag)
	if value == "" || strings.Contains(value, "://") {
		return value
	}
	return in.Path(value)
}
