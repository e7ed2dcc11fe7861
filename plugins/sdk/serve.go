package sdk

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Main serves the plugin until the host is done with it, and doesn't return. A plugin's main function
// calls only Main.
//
// If a user starts the plugin, it prints what it is and exits with 1. With the argument -manifest it prints
// its manifest as JSON and exits with 0.
func Main(p Plugin) {
	if os.Getenv(handshake.CookieKey) != handshake.CookieValue {
		os.Exit(byHand(p, os.Args[1:], os.Stdout, os.Stderr))
	}
	if os.Getenv(handshake.WaitKey) != "" {
		awaitDebugger()
	}
	// Signals are the host's business, which interrupts over the stream. Taking them, other than
	// ignoring them, isn't inherited by the programs that a plugin starts.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE, syscall.SIGTERM, syscall.SIGHUP)
	l := newLife(os.Exit)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  handshake.Config(),
		VersionedPlugins: handshake.Plugins(newServer(p, l)),
		Logger:           hclog.NewNullLogger(),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, grpc.StatsHandler(l))...)
		},
	})
	os.Exit(0)
}

// byHand is what a plugin does that wasn't started by imgctl; it gives the exit status.
func byHand(p Plugin, args []string, stdout, stderr io.Writer) int {
	m := p.manifest()
	wrong := manifest.Check(m)
	for i := range p.Commands {
		if p.Commands[i].Run == nil {
			wrong = append(wrong, fmt.Sprintf("command %q has no Run", p.Commands[i].Path))
		}
	}
	for _, w := range wrong {
		_, _ = fmt.Fprintf(stderr, "imgctl-%s: %s\n", p.Name, w)
	}
	if slices.Equal(args, []string{"-manifest"}) {
		text, err := protojson.MarshalOptions{Multiline: true}.Marshal(m)
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "imgctl-%s: printing the manifest: %v\n", p.Name, err)
			return 1
		}
		_, _ = fmt.Fprintln(stdout, string(text))
		return min(len(wrong), 1)
	}
	summary(m, stderr)
	return 1
}

func summary(m *pluginv1.Manifest, w io.Writer) {
	by := ""
	if m.GetVendor() != "" {
		by = " by " + m.GetVendor()
	}
	_, _ = fmt.Fprintf(w, "imgctl-%s %s%s is a plugin of imgctl: run it through imgctl.\n\n", m.GetName(), m.GetVersion(), by)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range m.GetCommands() {
		if !c.GetHidden() {
			_, _ = fmt.Fprintf(table, "  imgctl %s\t%s\n", manifest.Path(c), c.GetShort())
		}
	}
	_ = table.Flush()
}
