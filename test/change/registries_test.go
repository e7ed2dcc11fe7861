package change_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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
	"github.com/google/go-containerregistry/pkg/v1/types"

	stdlog "log"
)

// registries are one to copy from and one to copy to.
type registries struct {
	from, to string // hosts

	mu     sync.Mutex
	writes []string
	n, nth int // requests so far; the one at which to call then
	after  bool
	then   func()
}

func (r *registries) ResetRequests() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = nil
}

func (r *registries) Writes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.writes)
}

func (r *registries) At(nth int, after bool, then func()) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n, r.nth, r.after, r.then = 0, nth, after, then
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.nth = 0
	}
}

// note counts a request; then is not nil if it is the one.
func (r *registries) note(q *http.Request) (then func(), after bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Method != http.MethodGet && q.Method != http.MethodHead {
		r.writes = append(r.writes, q.Method+" "+q.URL.Path)
	}
	if r.n++; r.n == r.nth {
		return r.then, r.after
	}
	return nil, false
}

func (r *registries) start(t *testing.T) (host string) {
	t.Helper()
	inner := ggcr.New(ggcr.Logger(stdlog.New(io.Discard, "", 0)))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		then, after := r.note(q)
		if then == nil {
			inner.ServeHTTP(w, q)
			return
		}
		if after {
			inner.ServeHTTP(httptest.NewRecorder(), q)
		}
		then()
		panic(http.ErrAbortHandler)
	}))
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// push stores an image in the registry to copy from.
func (r *registries) push(t *testing.T, path string, image v1.Image) {
	t.Helper()
	ref, err := name.ParseReference(r.from + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
}

// startRegistries starts both; the first has two images that share a layer.
func startRegistries(t *testing.T) *registries {
	t.Helper()
	r := &registries{}
	r.from, r.to = r.start(t), r.start(t)
	var layers []v1.Layer
	for range 3 {
		l, err := random.Layer(30_000, types.DockerLayer)
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, l)
	}
	for n, path := range copied {
		image, err := mutate.AppendLayers(empty.Image, layers[0], layers[n+1])
		if err != nil {
			t.Fatal(err)
		}
		r.push(t, path, image)
	}
	return r
}

// copied are the images that are copied.
var copied = []string{"ns/api:1", "ns/agent:1"}

// state is what a registry has of the images, read to its last byte.
func (r *registries) state(t *testing.T, host string, paths ...string) string {
	t.Helper()
	var lines []string
	for _, path := range paths {
		ref, err := name.ParseReference(host + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		image, err := remote.Image(ref)
		if err != nil {
			lines = append(lines, path+" isn't there")
			continue
		}
		layers, err := image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layers {
			body, err := l.Compressed()
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, body)
			lines = append(lines, fmt.Sprintf("%s has a layer of %d bytes, %v", path, n, err))
			body.Close()
		}
	}
	return strings.Join(lines, "\n")
}
