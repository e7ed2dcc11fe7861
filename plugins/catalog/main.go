// Command imgctl-catalog is the plugin catalog: imgctl's door to internal/catalog.
package main

import (
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "catalog", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{checkCommand(), convertCommand()},
	})
}
