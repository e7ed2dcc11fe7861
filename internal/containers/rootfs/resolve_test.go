package rootfs_test

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
)

// layer is one of the lines "dir PATH", "file PATH TEXT", "link PATH TARGET", "hard PATH TARGET".
func layer(t *testing.T, lines ...string) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, line := range lines {
		words := strings.SplitN(line, " ", 3)
		h, text := &tar.Header{Name: words[1], Mode: 0o755}, ""
		switch words[0] {
		case "dir":
			h.Typeflag, h.Name = tar.TypeDir, words[1]+"/"
		case "file":
			h.Typeflag, text = tar.TypeReg, words[2]
			h.Size = int64(len(text))
		case "link":
			h.Typeflag, h.Linkname = tar.TypeSymlink, words[2]
		case "hard":
			h.Typeflag, h.Linkname = tar.TypeLink, words[2]
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(t *testing.T, layers ...v1.Layer) *rootfs.Root {
	t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	root, err := rootfs.Open(rootfs.NewCache(t.TempDir(), func(string) bool { return false }), image)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestResolve(t *testing.T) {
	t.Parallel()
	root := open(t,
		layer(t, "dir usr", "dir usr/bin", "link bin usr/bin", "dir run", "dir var", "link var/run ../run", "link up ../../../../etc",
			"link loop /loop", "link gone /nowhere/at/all", "file etc/x x", "dir old", "file old/a a"),
		layer(t, "file .wh.gone -", "dir new", "link old new"),
	)
	for name, want := range map[string]string{
		"/bin/sh":           "/usr/bin/sh",
		"bin/sh":            "/usr/bin/sh",
		"/var/run/x/../y":   "/run/y",
		"/up/x":             "/etc/x",
		"/gone/x":           "/gone/x", // the link was removed
		"/old/a":            "/new/a",
		"/../../etc/passwd": "/etc/passwd",
		"/":                 "/",
		"/not/there":        "/not/there",
	} {
		if got, err := root.Resolve(t.Context(), name); got != want || err != nil {
			t.Errorf("%s is %s, %v; want %s", name, got, err, want)
		}
	}
	if _, err := root.Resolve(t.Context(), "/loop/x"); err == nil || !strings.Contains(err.Error(), "more than 40 symbolic links") {
		t.Errorf("a loop gives %v", err)
	}
}

func TestStat(t *testing.T) {
	t.Parallel()
	root := open(t,
		layer(t, "dir a", "file a/1 x", "dir a/sub", "file a/sub/2 x", "dir b", "file b/1 x", "dir c", "file c/1 x", "link d a"),
		layer(t, "file a/.wh.sub -", "file b/.wh..wh..opq -", "file b/2 x", "file c text", "hard e c"),
	)
	for name, want := range map[string]string{
		"/a": "5", "/a/1": "0", "/a/sub": "", "/a/sub/2": "", "/b": "5", "/b/1": "", "/b/2": "0", "/c": "0", "/c/1": "", "/d": "5",
		"/d/1": "0", "/e": "0", "/": "5",
	} {
		e, err := root.Stat(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if e != nil {
			got = string(e.Type)
		}
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	root := open(t, layer(t, "file etc/passwd root:x:0:0::/:\nnova:x:162:163::/:\n", "file etc/group root:x:0:\nkolla:x:42400:nova\n"))
	for text, want := range map[string][2]int{
		"": {0, 0}, "nova": {162, 163}, "nova:kolla": {162, 42400}, "162": {162, 163}, "7": {7, 7}, "7:8": {7, 8}, "root:kolla": {0, 42400},
	} {
		if uid, gid, err := root.Owner(t.Context(), text); uid != want[0] || gid != want[1] || err != nil {
			t.Errorf("%q is %d:%d, %v; want %v", text, uid, gid, err, want)
		}
	}
	for _, text := range []string{"nobody", "nova:nobody", ":kolla"} {
		if uid, gid, err := root.Owner(t.Context(), text); err == nil {
			t.Errorf("%q is %d:%d", text, uid, gid)
		}
	}
}

// TestReadsNoMoreThanNeeded has a lowest layer that can't be read.
func TestReadsNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	broken, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("no tar archive, whatever it says" + strings.Repeat("x", 1000))), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	root := open(t, broken, layer(t, "dir etc", "dir etc/nova"))
	if at, err := root.Resolve(t.Context(), "/etc/nova"); err != nil || at != "/etc/nova" {
		t.Errorf("got %s, %v", at, err)
	}
	if _, err := root.Resolve(t.Context(), "/usr/bin"); err == nil {
		t.Error("a layer that can't be read is no error")
	}
}
