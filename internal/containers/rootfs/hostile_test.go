package rootfs_test

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
)

// TestAHugeDatabase isn't unpacked: a few bytes in a registry could fill a disk.
func TestAHugeDatabase(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	h := &tar.Header{Typeflag: tar.TypeReg, Name: "var/lib/rpm/rpmdb.sqlite", Size: 3 << 30}
	if err := tar.NewWriter(&b).WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, static.NewLayer(b.Bytes(), types.DockerUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}
	root, err := rootfs.Open(rootfs.NewCache(t.TempDir(), func(string) bool { return true }), image)
	if err != nil {
		t.Fatal(err)
	}
	_, err = root.Stat(t.Context(), "/var/lib/rpm/rpmdb.sqlite")
	if err == nil || !strings.Contains(err.Error(), "/var/lib/rpm/rpmdb.sqlite: 3221225472 bytes, more than 2 GiB") {
		t.Errorf("got %v", err)
	}
}
