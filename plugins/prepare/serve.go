package main

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func serveCommand() sdk.Command {
	return sdk.Command{
		Path: "prepare serve", Kind: sdk.Action, Needs: []sdk.Need{sdk.NeedsNoTimeout},
		Short: "Serve an undercloud's folder of images",
		Long: "Serves the folder that an undercloud keeps its images in, usually /var/lib/image-serve, as a registry that can " +
			"only be read, " +
			"without Apache and without root. A manifest that doesn't fit its digest isn't given to anybody. It ends with Ctrl-C.",
		Examples: []sdk.Example{
			{Text: "For the control plane", Command: "imgctl prepare serve /var/lib/image-serve --listen 192.168.24.1:8787"},
		},
		Args:  []sdk.Arg{sdk.One("DIR", "folder with the images").Completes(sdk.CompleteDirectories)},
		Flags: bridge.ServeFlags("127.0.0.1:8787"),
		Run:   bridge.Run(serve),
	}
}

func serve(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	folder, err := imageserve.Open(in.Path(in.Arg("DIR")))
	if err != nil {
		return err
	}
	defer folder.Close()
	listener, err := bridge.Listen(ctx, in)
	if err != nil {
		return err
	}
	out.Textf("Serving on %s", listener.Addr())
	return bridge.Serve(ctx, in, listener, folder.Handler(func(err error) { out.Log().Warn(err.Error()) }))
}
