// Command imgctl-cloud is the plugin cloud, imgctl's door to internal/onboarding.
package main

import (
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func main() { sdk.Main(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "cloud", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Make a donated cloud part of CI",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{
			checkCommand(),
			quotaCommand(),
			launchCommand(), mirrorCommand(),
			generateCommand(), validateCommand(), mergeCommand(), disableCommand(), enableCommand(),
			drainCommand(), leaksCommand(), dashboardCommand(), watchCommand(),
		},
	}
}
