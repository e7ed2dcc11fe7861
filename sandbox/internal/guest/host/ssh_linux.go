package host

import (
	"fmt"
	"net"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// ServeSSH listens on address ("127.77.0.5:22") in this process and hands every connection to the guest, until
// HangUp or the guest's end.
func (g *Guest) ServeSSH(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening for SSH of guest %q (ports below 1024 need root, or a lower net.ipv4.ip_unprivileged_port_start, or another SSH port): %w", g.cfg.UUID, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if old := g.listeners[address]; old != nil {
		old.Close()
	}
	g.listeners[address] = l
	go g.accept(l)
	return nil
}

// HangUp ends a ServeSSH. Connections that exist stay.
func (g *Guest) HangUp(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.listeners[address]; l != nil {
		l.Close()
		delete(g.listeners, address)
	}
}

func (g *Guest) hangUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for address, l := range g.listeners {
		l.Close()
		delete(g.listeners, address)
	}
}

func (g *Guest) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		g.connect(c)
	}
}

// connect passes c on; while the guest reboots the client sees the connection closed.
func (g *Guest) connect(c net.Conn) {
	defer c.Close()
	p := g.running()
	t, ok := c.(*net.TCPConn)
	if p == nil || !ok {
		return
	}
	f, err := t.File()
	if err != nil {
		return
	}
	defer f.Close()
	_ = p.conn.Send(control.Message{Op: control.SSH}, f)
}
