package remote_test

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/remote"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// A copy for one architecture has the digest of an image that the index lists.
func TestDigest(t *testing.T) {
	t.Parallel()
	w, _, c := start(t)
	r := remote.Registry{Client: c}
	index, err := random.Index(100, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := ggcr.WriteIndex(w.name(t, "ns/many:tag"), index); err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	image := reference.Reference{Host: w.host, Path: "ns/many", Tag: "tag"}
	if got, err := r.Digest(t.Context(), image, true); err != nil || got != whole.String() {
		t.Errorf("the index is %s, %v; want %s", got, err, whole)
	}
	if got, err := r.Digest(t.Context(), image, false); err != nil || got != manifest.Manifests[0].Digest.String() {
		t.Errorf("its image is %s, %v; want %s", got, err, manifest.Manifests[0].Digest)
	}
	if _, err := r.Digest(t.Context(), image.WithTag("none"), true); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing tag: %v", err)
	}
}
