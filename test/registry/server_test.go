package registry

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/test/registrytest"
)

// registry is a docker-registry of a test's own.
type registry struct {
	host string
	dir  string
	ca   string // file, where it has TLS
}

type settings struct {
	password, tls bool
	relative      bool      // Location headers without a host
	tokens        *tokens   // who gives tokens
	images        *registry // whose images it has, too
	disk          string    // size of the disk that it has for itself, such as "8m"
}

// start runs docker-registry until the test ends. With a password, user u has password p-word.
func start(t *testing.T, s settings) *registry {
	t.Helper()
	if _, err := exec.LookPath(registrytest.Program); err != nil {
		t.Skip("docker-registry isn't installed: apt-get install docker-registry")
	}
	r := &registry{dir: t.TempDir()}
	o := registrytest.Options{Dir: r.dir, TLS: s.tls, Relative: s.relative, Uncached: true}
	if s.password {
		o.Password = "p-word"
	}
	if s.tokens != nil {
		o.Tokens = &registrytest.Tokens{Realm: s.tokens.url, Certificate: s.tokens.certificate}
	}
	if s.images != nil {
		o.Data = s.images.dir + "/data"
	}
	if s.disk != "" {
		o.Command = func(words []string) []string { return onItsOwnDisk(t, filepath.Join(r.dir, "data"), s.disk, words) }
	}
	started, err := registrytest.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(started.Stop)
	r.host, r.ca = started.Host, started.CA
	return r
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// watcher is a proxy before a registry that keeps what was asked and answered.
type watcher struct {
	host string
	mu   sync.Mutex
	log  []string     // METHOD PATH STATUS
	sent atomic.Int64 // bytes of blobs
	cuts int          // answers with a large blob that are still to be cut
	at   int64
	then func() // before a cut
	// instead answers a request in the registry's place; nil is never.
	instead func(rw http.ResponseWriter, r *http.Request) bool
}

// cut ends the next n answers with a blob after so many bytes, when then has returned.
func (w *watcher) cut(n int, after int64, then func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts, w.at, w.then = n, after, then
}

// body counts a blob's bytes, and cuts it.
type body struct {
	io.ReadCloser
	w    *watcher
	left int64 // negative is all
}

func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		b.w.then()
		return 0, io.ErrUnexpectedEOF
	}
	if b.left > 0 {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.ReadCloser.Read(p)
	b.w.sent.Add(int64(n))
	if b.left > 0 {
		b.left -= int64(n)
	}
	return n, err
}

func (r *registry) watch(t *testing.T) *watcher {
	t.Helper()
	w := &watcher{}
	target, err := url.Parse("http://" + r.host)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.host = l.Addr().String()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host // so that Location leads back here
		},
		ModifyResponse: func(resp *http.Response) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.log = append(w.log, fmt.Sprintf("%s %s %d", resp.Request.Method, resp.Request.URL.RequestURI(), resp.StatusCode))
			if resp.Request.Method == http.MethodGet && strings.Contains(resp.Request.URL.Path, "/blobs/") && resp.StatusCode < 300 {
				b := &body{resp.Body, w, -1}
				if w.cuts > 0 && resp.ContentLength > w.at {
					w.cuts--
					b.left = w.at
				}
				resp.Body = b
			}
			return nil
		},
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		instead := w.instead
		w.mu.Unlock()
		if instead == nil || !instead(rw, r) {
			proxy.ServeHTTP(rw, r)
		}
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	return w
}

// count is how many answers have all of the parts.
func (w *watcher) count(parts ...string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
lines:
	for _, line := range w.log {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue lines
			}
		}
		n++
	}
	return n
}

func (w *watcher) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = nil
}

// file is where the registry keeps a blob.
func (r *registry) file(digest string) string {
	sum := strings.TrimPrefix(digest, "sha256:")
	return filepath.Join(r.dir, "data/docker/registry/v2/blobs/sha256", sum[:2], sum, "data")
}

// spoil changes a byte of a stored blob.
func (r *registry) spoil(t *testing.T, digest string) {
	t.Helper()
	text, err := os.ReadFile(r.file(digest))
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	write(t, r.file(digest), string(text))
}

// lose removes a stored blob.
func (r *registry) lose(t *testing.T, digest string) {
	t.Helper()
	if err := os.Remove(r.file(digest)); err != nil {
		t.Fatal(err)
	}
}

// testContext ends a child that hangs.
func testContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 10*time.Minute)
}
