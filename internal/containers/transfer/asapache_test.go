//go:build unix

package transfer_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Apache reads what was written, whatever the umask of who wrote it, and finds a tag by its type-map.
//
//nolint:paralleltest // the umask is the whole process's
func TestApacheCanReadAFolder(t *testing.T) {
	from := start(t)
	from.push(t, "ns/a:latest", layer(t, 1000))
	before := syscall.Umask(0o077)
	defer syscall.Umask(before)
	to := serve(t)
	if _, err := to.put(t, from, "ns/a:latest"); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := filepath.WalkDir(filepath.Join(to.dir, "v2"), func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".imgctl") {
			return nil // ours
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o644)
		if d.IsDir() {
			want = 0o755
		}
		if n++; info.Mode().Perm() != want {
			t.Errorf("%s has mode %o", strings.TrimPrefix(name, to.dir), info.Mode().Perm())
		}
		return nil
	})
	if err != nil || n < 10 {
		t.Fatalf("%d files, %v", n, err)
	}
	text, err := os.ReadFile(filepath.Join(to.dir, "v2/ns/a/manifests/latest.type-map"))
	if want := "URI: latest\n\nContent-Type: application/vnd.docker.distribution.manifest.v2+json\nURI: " +
		to.has(t, "ns/a:latest") + "/index.json\n\n"; err != nil || string(text) != want {
		t.Errorf("the type-map is %q, %v; want %q", text, err, want)
	}
}

// What another tag of the repository needs stays, and the last tag takes the repository with it.
func TestTagsThatShareALayer(t *testing.T) {
	t.Parallel()
	from, to := start(t), serve(t)
	shared := layer(t, 1000)
	from.push(t, "ns/a:latest", shared, layer(t, 2000))
	from.push(t, "ns/a:abc", shared, layer(t, 3000))
	if _, err := to.put(t, from, "ns/a:latest", "ns/a:abc"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		delete           string
		blobs, manifests int
		tags             string
	}{{"abc", 4, 1, "latest"}, {"latest", 0, 0, ""}} {
		if err := to.f.Delete(t.Context(), "ns/a", c.delete); err != nil {
			t.Fatal(err)
		}
		to.f.Close()
		f, err := imageserve.Open(to.dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		to.f = f
		plan, err := f.PlanPrune(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Apply(t.Context(), report.Discard); err != nil {
			t.Fatal(err)
		}
		manifests, err := filepath.Glob(filepath.Join(to.dir, "v2/ns/a/manifests/sha256:*"))
		if err != nil || len(manifests) != c.manifests || len(to.files(t, "blobs")) != c.blobs {
			t.Errorf("without %s: %d manifests and %d blobs are left, %v", c.delete, len(manifests), len(to.files(t, "blobs")), err)
		}
		if n, broken := to.check(t, true); n != len(strings.Fields(c.tags)) || len(broken) > 0 {
			t.Errorf("without %s: %d tags, broken %q", c.delete, n, broken)
		}
	}
	if _, err := os.Stat(filepath.Join(to.dir, "v2/ns/a")); !os.IsNotExist(err) {
		t.Errorf("the empty repository: %v", err)
	}
}
