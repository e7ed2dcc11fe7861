package install_test

import (
	"archive/tar"
	"bytes"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/install"
)

const db = "var/lib/rpm/rpmdb.sqlite"

// noPackages is a database of rpm's without packages.
func noPackages(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	d, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	const table = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
	if _, err := d.ExecContext(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func layer(t *testing.T, headers ...*tar.Header) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, one := range headers {
		h := *one
		text := ""
		if h.Typeflag == tar.TypeReg { // its text stands for its link
			text, h.Linkname, h.Size = h.Linkname, "", int64(len(h.Linkname))
		}
		h.Mode = 0o755
		if err := w.WriteHeader(&h); err != nil {
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

func file(name, text string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Linkname: text}
}

func link(name, to string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
}

func folder(name string) *tar.Header { return &tar.Header{Typeflag: tar.TypeDir, Name: name + "/"} }

// TestLayersOverTheDatabase have something else where an image's lower layer has its package database. No file of this
// machine is read for it, and none of the image but a database.
func TestLayersOverTheDatabase(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("of this machine"), 0o600); err != nil {
		t.Fatal(err)
	}
	packages := noPackages(t)
	for name, c := range map[string]struct {
		want string // "" is that it can be read
		over []*tar.Header
	}{
		"nothing":                  {"", nil},
		"whiteout":                 {"it has none", []*tar.Header{file("var/lib/rpm/.wh.rpmdb.sqlite", "")}},
		"whiteout of its folder":   {"it has none", []*tar.Header{file("var/lib/.wh.rpm", "")}},
		"opaque folder":            {"it has none", []*tar.Header{folder("var/lib/rpm"), file("var/lib/rpm/.wh..wh..opq", "")}},
		"its folder is a file":     {"it has none", []*tar.Header{file("var/lib/rpm", "x")}},
		"link to a file":           {"is a link", []*tar.Header{link(db, "/etc/passwd")}},
		"link out of the image":    {"is a link", []*tar.Header{link(db, secret)}},
		"link up out of the image": {"is a link", []*tar.Header{link(db, "../../../../../../../.."+secret)}},
		"link to itself":           {"is a link", []*tar.Header{link(db, "rpmdb.sqlite")}},
		"folder":                   {"no file", []*tar.Header{folder(db)}},
		"pipe":                     {"no file", []*tar.Header{{Typeflag: tar.TypeFifo, Name: db}}},
		"device":                   {"no file", []*tar.Header{{Typeflag: tar.TypeBlock, Name: db, Devmajor: 8}}},
		"hard link to another file": {"rpm's database", []*tar.Header{
			file("etc/shadow", "root:secret-word"), {Typeflag: tar.TypeLink, Name: db, Linkname: "etc/shadow"},
		}},
		"text": {"rpm's database", []*tar.Header{file(db, "secret-word")}},
		"its folder leads out": {"it has none", []*tar.Header{
			file("var/lib/.wh.rpm", ""), link("var/lib/rpm", "../../../../../.."+filepath.Dir(secret)),
		}},
		"its folder moved": {"", []*tar.Header{
			file("var/lib/.wh.rpm", ""), link("var/lib/rpm", "../../usr/lib/sysimage/rpm"), file("usr/lib/sysimage/rpm/rpmdb.sqlite", packages),
		}},
		"log that is a link": {"", []*tar.Header{link(db+"-wal", secret)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layers := []v1.Layer{layer(t, folder("var/lib/rpm"), file(db, packages), file("etc/passwd", "root:secret-word:0:0::/:"))}
			if c.over != nil {
				layers = append(layers, layer(t, c.over...))
			}
			image, err := mutate.AppendLayers(empty.Image, layers...)
			if err != nil {
				t.Fatal(err)
			}
			root, err := rootfs.Open(rootfs.NewCache(t.TempDir(), install.Keep), image)
			if err != nil {
				t.Fatal(err)
			}
			d, err := install.ReadDatabase(t.Context(), root, t.TempDir())
			switch {
			case c.want == "" && (err != nil || len(d.Installed) > 0):
				t.Errorf("got %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret-word")):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
