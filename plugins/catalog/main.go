// Command imgctl-catalog is the plugin catalog: the commands around Aquilon profiles and packuilon.
package main

import (
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "catalog", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Check Aquilon profiles and convert packuilon's templates",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{checkCommand(), convertCommand()},
	})
}
