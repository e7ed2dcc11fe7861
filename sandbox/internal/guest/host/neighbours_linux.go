package host

import (
	"net"
	"os"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// dial passes a guest's stream to the neighbour whose address it is meant for. A stream that nobody takes is closed.
func (g *Guest) dial(target string, stream *os.File) {
	defer stream.Close()
	address, _, err := net.SplitHostPort(target)
	if err != nil || g.cfg.Neighbour == nil {
		return
	}
	neighbour := g.cfg.Neighbour(address)
	if neighbour == nil {
		return
	}
	if p := neighbour.running(); p != nil {
		from := net.JoinHostPort(g.cfg.Address, "0")
		_ = p.conn.Send(control.Message{Op: control.Connect, Text: from + " " + target}, stream)
	}
}
