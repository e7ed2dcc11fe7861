// Command imgctl-sync is the plugin sync, imgctl's door to internal/image/sync.
package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "sync", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Bring images from stores into a cloud, and keep them current",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{planCommand(), applyCommand(), statusCommand(), repairCommand()},
	})
}

// complete suggests the names of the project's images, which are those of the stores once they were brought.
func complete(ctx context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	if what.Flag != "image" && what.Arg != "NAME" {
		return nil, nil
	}
	return bridge.ImageNames(ctx, in, what.Prefix)
}
