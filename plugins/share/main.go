// Command imgctl-share is the plugin share, imgctl's door to internal/image/share.
package main

import (
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	sdk.Main(sdk.Plugin{
		Name: "share", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Share images between projects and clouds",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{
			addCommand(), acceptCommand(), rejectCommand(), resetCommand(), suspendCommand(), resumeCommand(), removeCommand(),
			listCommand(), applyCommand(), driftCommand(),
		},
	})
}
