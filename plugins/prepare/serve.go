package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
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
		Args: []sdk.Arg{sdk.One("DIR", "folder with the images").Completes(sdk.CompleteDirectories)},
		Flags: sdk.Flags{
			sdk.String("listen", "127.0.0.1:8787", "address to listen on").ValueName("HOST:PORT"),
			sdk.File("tls-cert", "", "certificate to serve with, in PEM; without one there is no TLS"),
			sdk.File("tls-key", "", "key of the certificate"),
		},
		Run: bridge.Run(serve),
	}
}

// leave is how long those who are being served may take when it ends.
const leave = 5 * time.Second

func serve(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	certificate, key := in.File("tls-cert"), in.File("tls-key")
	if (certificate == "") != (key == "") {
		return fault.New(fault.Usage, "", "%s and %s belong together", fault.Option("tls_cert"), fault.Option("tls_key"))
	}
	folder, err := imageserve.Open(in.Path(in.Arg("DIR")))
	if err != nil {
		return err
	}
	defer folder.Close()
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", in.String("listen"))
	if err != nil {
		return fault.Wrap(fault.Usage, "", err)
	}
	server := &http.Server{
		Handler:           folder.Handler(func(err error) { out.Log().Warn(err.Error()) }),
		ReadHeaderTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	out.Textf("Serving on %s", listener.Addr())
	ended := make(chan error, 1)
	go func() {
		if certificate != "" {
			ended <- server.ServeTLS(listener, certificate, key)
			return
		}
		ended <- server.Serve(listener)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leave)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
