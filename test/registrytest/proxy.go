package registrytest

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy stands before a registry without TLS. It counts, and delays each request.
type Proxy struct {
	Host     string
	Requests atomic.Int64
	Received atomic.Int64 // bytes of requests' bodies
	Blobs    atomic.Int64 // bytes of blobs that were read
	Cut      atomic.Int64 // the next blob that is read is cut off after so many bytes; 0 is never

	server *http.Server
	mu     sync.Mutex
	log    []string
}

// Before starts a proxy before the registry; Stop ends it.
func (r *Registry) Before(delay time.Duration) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // on loopback
	if err != nil {
		return nil, err
	}
	p := &Proxy{Host: l.Addr().String()}
	quiet := log.New(io.Discard, "", 0)
	reverse := &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		ErrorLog:  quiet,
		Rewrite: func(q *httputil.ProxyRequest) {
			q.SetURL(&url.URL{Scheme: "http", Host: r.Host})
			q.Out.Host = q.In.Host // so that Location leads back here
		},
		ModifyResponse: p.note,
	}
	p.server = &http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: quiet, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, q *http.Request) {
			p.Requests.Add(1)
			q.Body = &counter{q.Body, &p.Received}
			if delay > 0 {
				select {
				case <-time.After(delay):
				case <-q.Context().Done():
				}
			}
			reverse.ServeHTTP(w, q)
		})}
	go func() { _ = p.server.Serve(l) }()
	return p, nil
}

// note keeps what was asked, and counts the bytes of a blob.
func (p *Proxy) note(resp *http.Response) error {
	q := resp.Request
	p.mu.Lock()
	p.log = append(p.log, fmt.Sprintf("%s %s %d", q.Method, q.URL.RequestURI(), resp.StatusCode))
	p.mu.Unlock()
	if q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/blobs/") {
		resp.Body = &counter{resp.Body, &p.Blobs}
		if after := p.Cut.Swap(0); after > 0 {
			resp.Body = &cut{resp.Body, after}
		}
	}
	return nil
}

// cut fails after so many bytes, which ends the connection.
type cut struct {
	io.ReadCloser
	left int64
}

func (c *cut) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("cut off")
	}
	n, err := c.ReadCloser.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

type counter struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// Log is METHOD PATH STATUS of the requests since Reset.
func (p *Proxy) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.log)
}

// Writes are the lines of the log that change something.
func (p *Proxy) Writes() []string {
	return slices.DeleteFunc(p.Log(), func(line string) bool {
		return strings.HasPrefix(line, http.MethodGet) || strings.HasPrefix(line, http.MethodHead)
	})
}

// Reset forgets what was counted.
func (p *Proxy) Reset() {
	p.Requests.Store(0)
	p.Received.Store(0)
	p.Blobs.Store(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = nil
}

// Stop ends the proxy.
func (p *Proxy) Stop() {
	if p != nil {
		_ = p.server.Close()
	}
}
