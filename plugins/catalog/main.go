// Command imgctl-catalog is the plugin catalog: the commands around Aquilon profiles and packuilon.
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
