package localstore_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/localstore"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// storage is one of the test's own, with the example's image.
func storage(t *testing.T) (environment []string) {
	t.Helper()
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo isn't installed: apt-get install skopeo")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can have a storage of its own in a folder here")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "storage.conf")
	text := "[storage]\ndriver = \"vfs\"\ngraphroot = \"" + dir + "/root\"\nrunroot = \"" + dir + "/run\"\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environment = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CONTAINERS_STORAGE_CONF=" + config}
	example, err := filepath.Abs("../../../example/image-layout")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), skopeo, "--insecure-policy", "copy", "oci:"+example+":quay.io/ns/hello:1",
		"containers-storage:localhost/ns/hello:1")
	cmd.Env = environment
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no storage can be made here: %v: %s", err, out)
	}
	return environment
}

func TestExport(t *testing.T) {
	t.Parallel()
	environment := storage(t)
	image := reference.Reference{Host: "localhost", Path: "ns/hello", Tag: "1"}
	folder := filepath.Join(t.TempDir(), "layout")
	if err := localstore.Export(t.Context(), []reference.Reference{image}, folder, environment); err != nil {
		t.Fatal(err)
	}
	l, err := layout.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	images, err := l.Images(t.Context())
	if err != nil || len(images) != 1 || images[0] != image {
		t.Fatalf("%v, %v", images, err)
	}
	m, err := l.Manifest(t.Context(), registry.Image{Repository: l.Repository(image), Identifier: "1"})
	if err != nil || len(m.Layers) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	err = localstore.Export(t.Context(), []reference.Reference{image.WithTag("missing")}, folder, environment)
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing image: %v", err)
	}
}

func TestNoProgram(t *testing.T) {
	t.Parallel()
	err := localstore.Export(t.Context(), []reference.Reference{{Path: "a"}}, t.TempDir(), []string{"PATH=" + t.TempDir() + ":."})
	if !fault.Is(err, fault.Usage) {
		t.Errorf("%v", err)
	}
}
