package remote_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	server "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// world is a registry with one image, and what it was asked for.
type world struct {
	host    string
	uploads atomic.Int32
	refuse  atomic.Bool
}

func start(t *testing.T) (*world, v1.Image, *registry.Client) {
	t.Helper()
	w := &world{}
	inner := server.New(server.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/") {
			w.uploads.Add(1)
			if w.refuse.Load() {
				rw.WriteHeader(http.StatusForbidden)
				return
			}
		}
		inner.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	w.host = strings.TrimPrefix(s.URL, "http://")
	image, err := random.Image(1000, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := ggcr.Write(w.name(t, "ns/one:tag"), image); err != nil {
		t.Fatal(err)
	}
	w.uploads.Store(0)
	c, err := registry.New(registry.Options{Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return w, image, c
}

func (w *world) name(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(w.host + "/" + text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (w *world) at(repository, identifier string) registry.Image {
	return registry.Image{Host: w.host, Repository: repository, Identifier: identifier}
}

func TestLoadedImageIsTheSame(t *testing.T) {
	t.Parallel()
	w, image, c := start(t)
	got, err := remote.Load(t.Context(), c, w.at("ns/one", "tag"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
	want, _ := image.Digest()
	if digest, err := got.Digest(); err != nil || digest != want {
		t.Errorf("digest is %s, %v; want %s", digest, err, want)
	}
}

// TestStoreSendsWhatIsNew adds a layer: only it and the configuration are sent.
func TestStoreSendsWhatIsNew(t *testing.T) {
	t.Parallel()
	w, _, c := start(t)
	base, err := remote.Load(t.Context(), c, w.at("ns/one", "tag"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := random.Layer(500, types.DockerLayer)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(base, more)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := remote.Store(t.Context(), c, w.at("ns/one", "tag-more"), image)
	if err != nil {
		t.Fatal(err)
	}
	if n := w.uploads.Load(); n != 2 {
		t.Errorf("%d blobs were sent, want 2", n)
	}
	stored, err := ggcr.Image(w.name(t, "ns/one:tag-more"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(stored); err != nil {
		t.Error(err)
	}
	if d, _ := stored.Digest(); d.String() != digest {
		t.Errorf("it was stored as %s, Store says %s", d, digest)
	}
}

// TestStoreLeavesNoTag has a blob refused: no manifest may name it.
func TestStoreLeavesNoTag(t *testing.T) {
	t.Parallel()
	w, _, c := start(t)
	image, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.refuse.Store(true)
	if _, err := remote.Store(t.Context(), c, w.at("ns/one", "tag-more"), image); !fault.Is(err, fault.Forbidden) {
		t.Errorf("got %v, want it forbidden", err)
	}
	if _, found, err := c.Head(t.Context(), w.at("ns/one", "tag-more")); found || err != nil {
		t.Errorf("there is a tag: %v, %v", found, err)
	}
}
