// Package hosttest makes hosts for tests: network namespaces, each with a cable to this machine that can be cut.
package hosttest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Host is a host of its own: it has its own loopback, and nothing but the cable.
type Host struct {
	name string // of the namespace and of the cable's end here
	ours string // address of the cable's end here
}

// hardware is the hardware address of each cable's end here; none sees another's.
const hardware = "02:00:00:00:00:01"

// New makes a host that is removed when the test ends. The test is skipped where that isn't possible.
func New(t testing.TB) *Host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: to make hosts of their own for its workers")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip: install Debian's iproute2 to make hosts of their own for its workers")
	}
	name := fmt.Sprintf("imgctl%08x", rand.Uint32()) // #nosec G404 -- it is no secret
	// A network of four addresses in 198.18.0.0/15, which is kept for tests.
	n := rand.IntN(1<<15) * 4 // #nosec G404 -- it is no secret
	address := func(n int) string { return fmt.Sprintf("198.%d.%d.%d", 18+n>>16, n>>8&0xff, n&0xff) }
	h := &Host{name: name, ours: address(n + 1)}
	if out, err := ip("netns", "add", name); err != nil {
		t.Skipf("needs network namespaces: %v: %s", err, out)
	}
	t.Cleanup(func() {
		_, _ = ip("link", "del", name)
		if out, err := ip("netns", "del", name); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	for _, line := range []string{
		"link add " + name + " address " + hardware + " type veth peer name cable netns " + name,
		"addr add " + h.ours + "/30 dev " + name,
		"link set " + name + " up",
		"-n " + name + " addr add " + address(n+2) + "/30 dev cable",
		"-n " + name + " link set cable up",
		"-n " + name + " link set lo up",
		// Else the host would ask who has the address while the cable is cut, and give up connections after three seconds.
		"-n " + name + " neigh add " + h.ours + " lladdr " + hardware + " nud permanent dev cable",
	} {
		if out, err := ip(strings.Fields(line)...); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	return h
}

func ip(args ...string) ([]byte, error) {
	return exec.CommandContext(context.Background(), "ip", args...).CombinedOutput()
}

// Command is a command on the host.
func (h *Host) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.name, program}, args...)...)
}

// Cut cuts the cable, or mends it. What is sent meanwhile is lost, and nobody is told.
func (h *Host) Cut(t testing.TB, cut bool) {
	t.Helper()
	state := "up"
	if cut {
		state = "down"
	}
	if out, err := ip("link", "set", h.name, state); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// Reach makes a service of this machine's loopback, HOST:PORT, reachable at the same address on the host, over
// the cable.
func (h *Host) Reach(t testing.TB, address string) {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	end := net.JoinHostPort(h.ours, port)
	h.relay(t, listen(t, end), func() (net.Conn, error) { return dial(address) })
	var there net.Listener
	if err := h.inside(func() { there = listen(t, "127.0.0.1:"+port) }); err != nil {
		t.Fatal(err)
	}
	h.relay(t, there, func() (conn net.Conn, err error) {
		if failed := h.inside(func() { conn, err = dial(end) }); failed != nil {
			return nil, failed
		}
		return conn, err
	})
}

func dial(address string) (net.Conn, error) {
	d := net.Dialer{Timeout: time.Minute}
	return d.DialContext(context.Background(), "tcp", address)
}

func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Error(err)
	}
	return l
}

// inside calls do in the host's network; the sockets that it makes stay there.
func (h *Host) inside(do func()) error {
	end := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		namespace, err := os.Open("/run/netns/" + h.name)
		if err == nil {
			defer namespace.Close()
			err = unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET) // #nosec G115 -- descriptors are small
		}
		if err == nil {
			do()
		}
		end <- err
	}()
	return <-end
}

// relay carries each connection on to where dial leads, until the test ends.
func (h *Host) relay(t testing.TB, l net.Listener, dial func() (net.Conn, error)) {
	if l == nil {
		t.FailNow()
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go carry(from, dial)
		}
	}()
}

func carry(from net.Conn, dial func() (net.Conn, error)) {
	defer from.Close()
	to, err := dial()
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, from)
		to.Close()
		from.Close()
	}()
	_, _ = io.Copy(from, to)
}
