package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/board"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/roster"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

func serveCommand() sdk.Command {
	return sdk.Command{
		Path: "factory serve", Kind: sdk.Action, Danger: sdk.Reads, Needs: []sdk.Need{sdk.NeedsNoTimeout},
		Short: "Show the factory in a browser",
		Long: "Serves a page with the queue, the builds that run on this machine with their logs, the history, the images that are " +
			"current and the dead letters, which it can queue again. /healthz and /metrics are for monitoring. It ends with Ctrl-C.\n\n" +
			"On a loopback address, whoever is on this machine sees the page. On any other address, it needs --token-file: open it " +
			"once with ?token= and the token; Prometheus sends the token as a bearer token.",
		Examples: []sdk.Example{
			{Text: "On this machine", Command: "imgctl factory serve"},
			{
				Text: "For the team",
				Command: "imgctl factory serve --listen 0.0.0.0:8443 --token-file /etc/imgctl/factory-token --tls-cert cert.pem " +
					"--tls-key key.pem",
			},
		},
		Flags: append(sdk.Flags{configFlag()}, serveFlags()...),
		Run:   bridge.Run(serve),
	}
}

// serveFlags are those of commands that show the page.
func serveFlags() sdk.Flags {
	return append(bridge.ServeFlags("127.0.0.1:8470"),
		sdk.File("token-file", "", "file whose first line is the token that lets people in, of at least 16 characters"))
}

func serve(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	c, err := readConfig(in, out)
	if err != nil {
		return err
	}
	logs, err := buildlog.In(c.LogDir)
	if err != nil {
		return err
	}
	q, err := await(ctx, in, out, c.LookAtQueue)
	if err != nil {
		return err
	}
	defer q.Close()
	listener, handler, err := page(ctx, in, out, board.Options{Queue: q, Logs: logs, Workers: workers(c)})
	if err != nil {
		return err
	}
	return bridge.Serve(ctx, in, listener, handler)
}

// page listens, and is what is served there.
func page(ctx context.Context, in *sdk.Input, out *sdk.Output, o board.Options) (net.Listener, http.Handler, error) {
	var err error
	if file := in.File("token-file"); file != "" {
		if o.Token, err = firstLine(file); err != nil {
			return nil, nil, fault.Bad("token_file", "", "%w", err)
		}
		out.CrossOut(sdk.NewSecret(o.Token))
	}
	o.Warn = func(err error) { out.Log().Warn(bridge.Problem(err).Error()) }
	handler, err := board.New(o)
	if err != nil {
		return nil, nil, err
	}
	listener, err := bridge.Listen(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	if o.Token == "" && !board.Loopback(listener.Addr()) {
		listener.Close()
		return nil, nil, fault.New(fault.Usage, fault.Advise("set %s", fault.Option("token_file")),
			"serving on %s: other machines can reach this address, and there is no token", in.String("listen"))
	}
	scheme := "http"
	if in.File("tls-cert") != "" {
		scheme = "https"
	}
	out.Textf("Page: %s://%s", scheme, listener.Addr())
	return listener, handler, nil
}

func firstLine(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	line := strings.TrimSpace(lines.Text())
	if line == "" && lines.Err() == nil {
		return "", fault.New(fault.Usage, "", "the first line of %s is empty", file)
	}
	return line, lines.Err()
}

// workers counts those that run on this machine.
func workers(c *config.Config) func() (int, error) {
	return func() (int, error) {
		all, err := roster.Workers(roster.Folder(c.LogDir))
		return len(all), err
	}
}

// current are the images that are current at a site.
func current(site promote.Site) func(context.Context) ([]board.Current, error) {
	return func(ctx context.Context) (all []board.Current, err error) {
		images, err := worker.Current(ctx, site)
		for _, i := range images {
			all = append(all, board.Current{Name: i.Name, ID: i.ID, Since: worker.Since(i)})
		}
		return all, err
	}
}
