//go:build linux

package agent

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// The network name space of a guest has a loopback interface alone. What goes to another server is a stream that
// the sandbox process passes on, so a guest reaches other guests and nothing of the host.

var errNoNeighbour = errors.New("connection refused")

// reached begins the answer of a neighbour that has connected.
const reached = 1

// own reports whether an address is the guest's.
func (a *agent) own(ip netip.Addr) bool {
	ip = ip.Unmap()
	local := netip.MustParsePrefix("127.0.0.0/24")
	return local.Contains(ip) || ip == netip.IPv6Loopback() || ip.String() == metadataAddress ||
		slices.Contains(a.cfg.Addresses, ip.String())
}

// dial connects to an address: a neighbour's, or one in the guest's own network.
func (a *agent) dial(address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	if ip, err := netip.ParseAddr(host); err == nil && !a.own(ip) {
		if c, err := a.reach(address); err == nil {
			return c, nil
		}
	}
	return net.DialTimeout("tcp", address, 10*time.Second)
}

// reach connects to a neighbour through the sandbox process.
func (a *agent) reach(address string) (net.Conn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	mine, theirs := os.NewFile(uintptr(fds[0]), "neighbour"), os.NewFile(uintptr(fds[1]), "neighbour")
	err = a.host.Send(control.Message{Op: control.Dial, Text: address}, theirs)
	theirs.Close()
	c, cerr := net.FileConn(mine)
	mine.Close()
	if err = errors.Join(err, cerr); err != nil {
		return nil, err
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	var said [1]byte
	if _, err := io.ReadFull(c, said[:]); err != nil || said[0] != reached {
		c.Close()
		return nil, errNoNeighbour
	}
	return c, c.SetReadDeadline(time.Time{})
}

// serveNeighbour connects a stream of another guest to a port of this one. The text has both addresses.
func (a *agent) serveNeighbour(f *os.File, addresses string) {
	stream, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return
	}
	c := named(stream, addresses)
	to, ok := c.local.(*net.TCPAddr)
	if !ok {
		stream.Close()
		return
	}
	if slices.Contains(a.cfg.SSHPorts, to.Port) {
		if _, err := stream.Write([]byte{reached}); err == nil {
			a.serveClient(c)
		}
		return
	}
	target, err := net.DialTimeout("tcp", to.String(), 5*time.Second)
	if err != nil {
		stream.Close()
		return
	}
	if _, err := stream.Write([]byte{reached}); err == nil {
		join(stream, target)
	}
}

// join copies both ways until both are done.
func join(a, b net.Conn) {
	done := make(chan struct{})
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
	go func() {
		defer close(done)
		pass(a, b)
	}()
	pass(b, a)
	<-done
	a.Close()
	b.Close()
}

// serveSSHInside takes SSH of the guest's own programs, on all addresses: what is meant for a neighbour is passed on.
func (a *agent) serveSSHInside() {
	if a.noSSH {
		return
	}
	for _, port := range a.cfg.SSHPorts {
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			a.console.Printf("sshd: %v", err)
			continue
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go a.takeSSHInside(c)
			}
		}()
	}
}

func (a *agent) takeSSHInside(c net.Conn) {
	to, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil || a.own(to.Addr()) {
		a.serveClient(c)
		return
	}
	target, err := a.reach(netip.AddrPortFrom(to.Addr().Unmap(), to.Port()).String())
	if err != nil {
		c.Close()
		return
	}
	join(c, target)
}

// named gives a stream the addresses "remote local" of the connection that it stands for.
func named(stream net.Conn, addresses string) addressed {
	remote, local, _ := strings.Cut(addresses, " ")
	c := addressed{stream, &net.TCPAddr{}, &net.TCPAddr{}}
	if from, err := net.ResolveTCPAddr("tcp", remote); err == nil {
		c.remote = from
	}
	if to, err := net.ResolveTCPAddr("tcp", local); err == nil {
		c.local = to
	}
	return c
}
