// Package handshake is what imgctl and a plugin agree on before they talk: the cookie, the
// protocol's version, and the one gRPC service between them.
package handshake

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// Environment variables and values of the handshake; plugin.proto describes them.
const (
	// CookieKey is set by the host, so that a plugin knows that it wasn't started by hand.
	CookieKey   = "IMGCTL_PLUGIN"
	CookieValue = "run-through-imgctl"
	// WaitKey is set if a debugger is to be attached before the plugin says where it listens.
	WaitKey = "IMGCTL_PLUGIN_WAIT"
	// Version is the major version of the protocol.
	Version = 1
	// Service is go-plugin's name for what a plugin dispenses.
	Service = "imgctl"
)

// Config is the handshake for both sides.
func Config() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{ProtocolVersion: Version, MagicCookieKey: CookieKey, MagicCookieValue: CookieValue}
}

// Plugins are the versions of the protocol. A plugin serves server; the host, which has none, gets
// a pluginv1.PluginClient for each Dispense of Service.
func Plugins(server pluginv1.PluginServer) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{Version: {Service: &service{server: server}}}
}

type service struct {
	plugin.NetRPCUnsupportedPlugin
	server pluginv1.PluginServer
}

func (s *service) GRPCServer(_ *plugin.GRPCBroker, g *grpc.Server) error {
	if s.server == nil {
		return errors.New("this side of the handshake has nothing to serve")
	}
	pluginv1.RegisterPluginServer(g, s.server)
	return nil
}

func (s *service) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return pluginv1.NewPluginClient(c), nil
}
