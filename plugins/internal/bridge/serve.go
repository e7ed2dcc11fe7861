package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// ServeFlags are the flags of a command that serves HTTP.
func ServeFlags(address string) sdk.Flags {
	return sdk.Flags{
		sdk.String("listen", address, "address to listen on").ValueName("HOST:PORT"),
		sdk.File("tls-cert", "", "certificate to serve with, in PEM; without one there is no TLS"),
		sdk.File("tls-key", "", "key of the certificate"),
	}
}

// Listen listens where the flags say.
func Listen(ctx context.Context, in *sdk.Input) (net.Listener, error) {
	if (in.File("tls-cert") == "") != (in.File("tls-key") == "") {
		return nil, fault.New(fault.Usage, "", "%s and %s belong together", fault.Option("tls_cert"), fault.Option("tls_key"))
	}
	if file := in.File("tls-cert"); file != "" { // before it listens, and before anything is done
		if _, err := tls.LoadX509KeyPair(file, in.File("tls-key")); err != nil {
			return nil, fault.Bad("tls_cert", "", "%w", err)
		}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", in.String("listen"))
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	return listener, nil
}

// leave is how long those who are being served may take when it ends.
const leave = 5 * time.Second

// Serve serves until ctx ends, with TLS if the flags say so.
func Serve(ctx context.Context, in *sdk.Input, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	ended := make(chan error, 1)
	go func() {
		if certificate := in.File("tls-cert"); certificate != "" {
			ended <- server.ServeTLS(listener, certificate, in.File("tls-key"))
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
	return server.Close()
}
