package main

import (
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// renamed are the options whose flag or argument has another name.
var renamed = map[string]string{"image": "IMAGE"}

// selectionFlags choose images in addition to, or instead of, their names.
func selectionFlags() sdk.Flags {
	return sdk.Flags{
		sdk.String("name-glob", "", "images whose whole name matches, with the wildcards * and ?").ValueName("PATTERN"),
		sdk.Strings("tag", "images with this tag; if repeated, with all of them").ValueName("TAG"),
		sdk.KeyValue("property", "images with this property; if repeated, with all of them").ValueName("KEY=VALUE"),
		sdk.Enum("pick", "", "which image to take if several match (default: fail)", share.Newest, share.All),
	}
}

func selection(in *sdk.Input) share.Selection {
	return share.Selection{
		Images: in.ArgValues("IMAGE"), Glob: in.String("name-glob"), Tags: in.Strings("tag"),
		Properties: in.KeyValues("property"), Pick: in.String("pick"),
	}
}

func images() []sdk.Arg {
	return []sdk.Arg{sdk.ZeroOrMore("IMAGE", "image, by id or exact name").Completes(sdk.CompleteDynamically)}
}

func from() sdk.Flag {
	return sdk.CloudName("from", "cloud of the project that owns the images (default: that of --os-cloud)")
}

func toClouds(help string) sdk.Flag {
	return sdk.Strings("to", help).ValueName("CLOUD").Completes(sdk.CompleteClouds)
}

func toProjects(help string) sdk.Flag {
	return sdk.Strings("to-project", help).ValueName("PROJECT")
}

// goesOn is part of the help of commands that handle several images, projects or clouds.
const goesOn = "An image that can't be found or read, or a cloud that can't be reached, doesn't stop the others; the exit code is " +
	"then 3."

func acceptRejected() sdk.Flag {
	return sdk.Bool("accept-rejected", "accept also for projects that have rejected the image; otherwise their answer stands, and the "+
		"exit code is 3")
}

func parallel() sdk.Flag {
	return sdk.Int("parallel", 4, "how many images to process at a time").ValueName("N")
}
