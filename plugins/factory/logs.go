package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func logsCommand() sdk.Command {
	return sdk.Command{
		Path: "factory logs", Kind: sdk.Raw, Danger: sdk.Reads, Needs: []sdk.Need{sdk.NeedsNoTimeout},
		Short: "Show what a build has said",
		Long: "Shows the log of an image's latest build, or of --run. Logs are in LOG_DIR of the configuration, in a folder for each " +
			"image and run.",
		Examples: []sdk.Example{{Text: "Watch a running build", Command: "imgctl factory logs 'sl7x-x86_64 web' --follow"}},
		Args:     []sdk.Arg{sdk.One("IMAGE", "image, by the name that its profile gives it").Completes(sdk.CompleteDynamically)},
		Flags: sdk.Flags{
			configFlag(),
			sdk.String("run", "", "id of the build, or the last part of it (default: the latest)").ValueName("RUN"),
			sdk.Bool("follow", "also show what is added, until the build has ended"),
		},
		Run: bridge.Run(showLog), Complete: completeImages,
	}
}

func showLog(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := readConfig(in, out)
	if err != nil {
		return err
	}
	logs, err := buildlog.In(c.LogDir)
	if err != nil {
		return err
	}
	run, err := logs.Find(in.Arg("IMAGE"), in.String("run"))
	if err != nil {
		return err
	}
	return run.Show(ctx, out.Stdout(), in.Bool("follow"))
}

func plural(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + several
}

func completeImages(_ context.Context, in *sdk.Input, what sdk.Completing) ([]sdk.Suggestion, error) {
	c, err := config.Read(in.File("config"))
	if err != nil {
		return nil, bridge.Problem(err)
	}
	logs, err := buildlog.In(c.LogDir)
	if err != nil {
		return nil, bridge.Problem(err)
	}
	images, err := logs.Images()
	var found []sdk.Suggestion
	for _, image := range images {
		if strings.HasPrefix(image, what.Prefix) {
			found = append(found, sdk.Suggestion{Value: image})
		}
	}
	return found, bridge.Problem(err)
}
