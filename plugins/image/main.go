// Command imgctl-image is the plugin image: what people ask about one image.
package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "image", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Test whether an image boots, and find the image to use",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{bootTestCommand(), resolveCommand()},
	})
}

// completeNames suggests the names of the project's images.
func completeNames(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	if what.Arg != "IMAGE" {
		return nil, nil
	}
	return bridge.ImageNames(ctx, in, what.Prefix)
}
