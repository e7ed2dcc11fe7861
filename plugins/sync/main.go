// Command imgctl-sync is the plugin sync, imgctl's door to internal/image/sync.
package main

import (
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
