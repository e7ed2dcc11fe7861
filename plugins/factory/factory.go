package main

import (
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/version"
)

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "factory", Version: version.Version, Vendor: "imgctl", License: "Apache-2.0",
		Short:    "Build images when Aquilon profiles change",
		Homepage: "https://github.com/imgctl/packer-plugin-openstack",
		Commands: []sdk.Command{
			watchCommand(), enqueueCommand(), migrateCommand(), workerCommand(), runCommand(), serveCommand(), statusCommand(),
			logsCommand(), retryCommand(), drainCommand(), graphCommand(), deadLettersCommand(), requeueCommand(), discardCommand(),
		},
	}
}

// configFlag is the one of all commands.
func configFlag() sdk.Flag {
	return sdk.File("config", config.Default, "packuilon's configuration, with the factory's section [imgctl]").ValueName("FILE")
}

// readConfig reads the file of configFlag.
func readConfig(in *sdk.Input, out *sdk.Output) (*config.Config, error) {
	c, err := config.Read(in.File("config"))
	if err != nil {
		return nil, err
	}
	rep := bridge.Reporter(in, out)
	for _, note := range c.Notes {
		rep.Warn("%s", note)
	}
	return c, nil
}

// location is a URL, or a path relative to the user's folder.
func location(in *sdk.Input, value string) string {
	if value == "" || strings.Contains(value, "://") {
		return value
	}
	return in.Path(value)
}
