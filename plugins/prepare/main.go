// Command imgctl-prepare is the plugin prepare: imgctl's door to internal/containers.
package main

import (
	"github.com/imgctl/packer-plugin-openstack/internal/containers/render"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() {
	render.Main() // this process may be one that renders a user's template
	sdk.Main(sdk.Plugin{
		Name: "prepare", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{
			prepareCommand(), defaultCommand(), planCommand(), lintCommand(), whyCommand(), tagCommand(),
			lockDiffCommand(), lockUpdateCommand(),
			pushCommand(), listCommand(), showCommand(), deleteCommand(), verifyCommand(), serveCommand(),
			hotfixCommand(),
			exportCommand(), importCommand(), fsckCommand(), pruneCommand(),
		},
	})
}
