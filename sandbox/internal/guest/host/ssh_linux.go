package host

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// ServeSSH listens on address ("127.77.0.5:22") in this process and hands every connection to the guest, until
// HangUp or the guest's end.
func (g *Guest) ServeSSH(address string) error {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		l, err = listenIPv6(address)
	}
	if err != nil {
		return fmt.Errorf("listening for SSH of guest %q (ports below 1024 need root, or a lower net.ipv4.ip_unprivileged_port_start, "+
			"or another SSH port): %w", g.cfg.UUID, err)
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

// onLoopback is a listener whose address is there for its time alone.
type onLoopback struct {
	net.Listener
	ip netip.Addr
}

// Close ends listening and takes the address away.
func (l onLoopback) Close() error {
	err := l.Listener.Close()
	_ = control.SetIPv6(unix.SIOCDIFADDR, l.ip)
	return err
}

// listenIPv6 listens on an address that no interface has: unlike 127.0.0.0/8, IPv6 knows one loopback address.
func listenIPv6(address string) (net.Listener, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	if err := control.SetIPv6(unix.SIOCSIFADDR, to.Addr()); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	for end := time.Now().Add(settling); errors.Is(err, unix.EADDRNOTAVAIL) && time.Now().Before(end); {
		<-time.After(time.Millisecond)
		l, err = net.Listen("tcp", address)
	}
	if err != nil {
		_ = control.SetIPv6(unix.SIOCDIFADDR, to.Addr())
		return nil, err
	}
	return onLoopback{l, to.Addr()}, nil
}

// settling is how long the kernel, which does it in the background, may take until a new address can be used.
const settling = 10 * time.Second

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

// connect passes a client's bytes on; while the guest reboots the client sees the connection closed. The guest
// never gets the socket itself: with it, its root could connect to whatever the host can reach.
func (g *Guest) connect(c net.Conn) {
	p := g.running()
	if p == nil {
		c.Close()
		return
	}
	mine, theirs, err := socketPair()
	if err != nil {
		c.Close()
		return
	}
	defer theirs.Close()
	addresses := c.RemoteAddr().String() + " " + c.LocalAddr().String()
	if err := p.conn.Send(control.Message{Op: control.SSH, Text: addresses}, theirs); err != nil {
		c.Close()
		mine.Close()
		return
	}
	go relay(c, mine)
}

// socketPair makes a stream whose second end is for a guest.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fds[0]), "stream")
	mine, err := net.FileConn(f)
	f.Close()
	theirs := os.NewFile(uintptr(fds[1]), "stream")
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return mine, theirs, nil
}

// relay copies between a client and a guest until the guest closes its end.
func relay(client, guest net.Conn) {
	defer client.Close()
	defer guest.Close()
	go func() {
		_, _ = io.Copy(guest, client)
		if u, ok := guest.(*net.UnixConn); ok {
			_ = u.CloseWrite()
		}
	}()
	_, _ = io.Copy(client, guest)
}
