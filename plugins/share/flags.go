package main

import (
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// selectionFlags choose images beside or instead of naming them.
func selectionFlags() sdk.Flags {
	return sdk.Flags{
		sdk.String("name-glob", "", "images whose whole name fits, with * and ?").ValueName("PATTERN"),
		sdk.Strings("tag", "images that have this tag; several have to be there together").ValueName("TAG"),
		sdk.KeyValue("property", "images that have this property; several have to be there together").ValueName("KEY=VALUE"),
		sdk.Enum("pick", "", "which of several images that fit (default: none, it is an error)", share.Newest, share.All),
	}
}

func selection(in *sdk.Input) share.Selection {
	return share.Selection{
		Images: in.ArgValues("IMAGE"), Glob: in.String("name-glob"), Tags: in.Strings("tag"),
		Properties: in.KeyValues("property"), Pick: in.String("pick"),
	}
}

func images() []sdk.Arg {
	return []sdk.Arg{sdk.ZeroOrMore("IMAGE", "id of an image, or its exact name").Completes(sdk.CompleteDynamically)}
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

func parallel() sdk.Flag {
	return sdk.Int("parallel", 4, "how many images are worked on at a time").ValueName("N")
}
