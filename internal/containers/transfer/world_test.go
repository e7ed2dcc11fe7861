package transfer_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// server is a registry whose requests are counted and can be answered by something else.
type server struct {
	host string

	busy sync.RWMutex // shared by the requests under way

	mu       sync.Mutex
	requests []string // METHOD PATH?QUERY
	sent     int64    // bytes of blobs that it gave
	taken    int64    // bytes of blobs that it got
	instead  func(w http.ResponseWriter, r *http.Request, next http.Handler) bool
}

func start(t *testing.T, options ...ggcr.Option) *server {
	t.Helper()
	s := &server{}
	inner := ggcr.New(append(options, ggcr.Logger(log.New(io.Discard, "", 0)))...)
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.RLock()
		defer s.busy.RUnlock()
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
		instead := s.instead
		s.mu.Unlock()
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/") {
			r.Body = &counting{ReadCloser: r.Body, s: s}
		}
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			w = &measured{ResponseWriter: w, s: s}
		}
		if instead == nil || !instead(w, r, inner) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listener.Close)
	s.host = strings.TrimPrefix(listener.URL, "http://")
	return s
}

type counting struct {
	io.ReadCloser
	s *server
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.s.mu.Lock()
	c.s.taken += int64(n)
	c.s.mu.Unlock()
	return n, err
}

type measured struct {
	http.ResponseWriter
	s *server
}

// Write counts first: whoever got the bytes may ask for the count before Write returns.
func (m *measured) Write(p []byte) (int, error) {
	m.add(len(p))
	n, err := m.ResponseWriter.Write(p)
	m.add(n - len(p))
	return n, err
}

func (m *measured) add(n int) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.s.sent += int64(n)
}

// reset forgets what was counted. Of a request that its client has given up, the end is waited for: it may still count.
func (s *server) reset() {
	s.busy.Lock()
	defer s.busy.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.sent, s.taken = nil, 0, 0
}

func (s *server) rule(f func(w http.ResponseWriter, r *http.Request, next http.Handler) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = f
}

// asked counts the requests that begin with the method and have the part.
func (s *server) asked(method, part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.HasPrefix(r, method+" ") && strings.Contains(r, part) {
			n++
		}
	}
	return n
}

// layer is one of size bytes.
func layer(t *testing.T, size int64) v1.Layer {
	t.Helper()
	l, err := random.Layer(size, types.DockerLayer)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// push stores an image of the layers, and one of its own.
func (s *server) push(t *testing.T, repository string, layers ...v1.Layer) v1.Hash {
	t.Helper()
	own := static.NewLayer([]byte("own of "+repository), types.DockerLayer)
	image, err := mutate.AppendLayers(empty.Image, append(append([]v1.Layer{}, layers...), own)...)
	if err != nil {
		t.Fatal(err)
	}
	return s.write(t, repository, image)
}

func (s *server) write(t *testing.T, repository string, image v1.Image) v1.Hash {
	t.Helper()
	if err := remote.Write(s.ref(t, repository), image); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func (s *server) ref(t *testing.T, repository string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s.host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// has reports the digest that the name has there.
func (s *server) has(t *testing.T, repository string) string {
	t.Helper()
	d, err := remote.Head(s.ref(t, repository))
	if err != nil {
		return err.Error()
	}
	return d.Digest.String()
}

// whole fails where an image can't be read back to its last byte.
func (s *server) whole(t *testing.T, repository string) {
	t.Helper()
	image, err := remote.Image(s.ref(t, repository))
	if err != nil {
		t.Errorf("%s: %v", repository, err)
		return
	}
	layers, err := image.Layers()
	if err != nil {
		t.Errorf("%s: %v", repository, err)
	}
	for _, l := range layers {
		body, err := l.Compressed()
		if err != nil {
			t.Errorf("%s: %v", repository, err)
			continue
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Errorf("%s: %v", repository, err)
		}
		body.Close()
	}
}

func client(t *testing.T, o registry.Options) *registry.Client {
	t.Helper()
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func parse(t *testing.T, text string) reference.Reference {
	t.Helper()
	r, err := reference.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// jobs copy the repositories from one server to the others, each under its own name.
func jobs(t *testing.T, from *server, repositories []string, to ...*server) (all []transfer.Job) {
	t.Helper()
	for _, target := range to {
		for _, repository := range repositories {
			all = append(all, transfer.Job{Source: parse(t, from.host+"/"+repository), Target: parse(t, target.host+"/"+repository)})
		}
	}
	return all
}

// copied plans and copies, and gives the plan.
func copied(t *testing.T, c *registry.Client, all []transfer.Job) (*transfer.Plan, error) {
	t.Helper()
	plan, err := transfer.NewPlan(t.Context(), transfer.Registries(c), all, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan, plan.Apply(t.Context(), report.Discard)
}

func repositories(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("ns/image-%d:tag", i)
	}
	return all
}
