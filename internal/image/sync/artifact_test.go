package sync_test

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	served "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

func TestArtifact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := httptest.NewServer(served.New(served.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	push := func(layers ...string) string {
		image := empty.Image
		for _, l := range layers {
			layer := static.NewLayer([]byte(l), types.MediaType("application/octet-stream"))
			var err error
			if image, err = mutate.AppendLayers(image, layer); err != nil {
				t.Fatal(err)
			}
		}
		text := strings.TrimPrefix(s.URL, "http://") + "/images/debian:13"
		ref, err := name.ParseReference(text)
		if err == nil {
			err = remote.Write(ref, image)
		}
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	a := &store.Artifact{Registry: client, Reference: push("disk of an artifact"), Name: "debian"}
	w.options.From[0].Store = a
	w.mustSync()
	w.one("debian", "disk of an artifact")
	if p := w.mustSync(); !p.Done() {
		t.Errorf("the second run brings %v", p.Rows())
	}
	push("a newer disk")
	w.mustSync()
	w.one("debian", "a newer disk")
	push("one", "two")
	if _, err := w.sync(); !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "2 layers") {
		t.Errorf("error is %v", err)
	}
	for _, bad := range []string{"", "debian", "host/debian", "host/../etc:1", "host/a b:1"} {
		a.Reference = bad
		if _, err := w.sync(); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: error is %v", bad, err)
		}
	}
}
