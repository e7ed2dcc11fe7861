package rabbittest

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Way is a client's own way to a server, which can be cut: then nothing passes, and nobody is told.
type Way struct {
	URL string

	mu   sync.Mutex
	cond *sync.Cond
	cut  bool
	over bool
}

// NewWay is a way to a server.
func NewWay(t testing.TB, s *Server) *Way {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Way{}
	w.cond = sync.NewCond(&w.mu)
	server := to.Host
	to.Host = l.Addr().String()
	w.URL = to.String()
	t.Cleanup(func() {
		l.Close()
		w.mu.Lock()
		w.over = true
		w.mu.Unlock()
		w.cond.Broadcast()
	})
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(from, server)
		}
	}()
	return w
}

// Cut cuts the way, or mends it.
func (w *Way) Cut(cut bool) {
	w.mu.Lock()
	w.cut = cut
	w.mu.Unlock()
	w.cond.Broadcast()
}

// open waits until the way isn't cut.
func (w *Way) open() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.cut && !w.over {
		w.cond.Wait()
	}
}

func (w *Way) carry(from net.Conn, server string) {
	defer from.Close()
	w.open()
	d := net.Dialer{Timeout: 10 * time.Second}
	to, err := d.DialContext(context.Background(), "tcp", server)
	if err != nil {
		return
	}
	defer to.Close()
	go w.copy(to, from)
	w.copy(from, to)
}

// copy copies until one end closes, and closes the other.
func (w *Way) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		w.open()
		if n > 0 {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				return
			}
		}
		if err != nil {
			if err != io.EOF { //nolint:errorlint // the kernel's own
				from.Close()
			}
			return
		}
	}
}
