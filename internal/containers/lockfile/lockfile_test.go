package lockfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/lockfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	a, b := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	want := lockfile.File{"quay.io/t/x:1": a, "192.0.2.1:8787/t/y:2": b}
	text, err := want.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := lockfile.Read(file)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	image, err := reference.Parse("quay.io/t/x:1")
	if err != nil {
		t.Fatal(err)
	}
	if pinned, err := got.Pin(image); err != nil || pinned.String() != "quay.io/t/x@"+a {
		t.Errorf("%s, %v", pinned, err)
	}
	if _, err := got.Pin(image.WithTag("2")); !fault.Is(err, fault.Drift) {
		t.Errorf("an image that isn't in the file: %v", err)
	}
	changes := lockfile.Diff(want, lockfile.File{"quay.io/t/x:1": b, "new:1": a})
	differs := []lockfile.Change{{"192.0.2.1:8787/t/y:2", b, ""}, {"new:1", "", a}, {"quay.io/t/x:1", a, b}}
	if diff := cmp.Diff(differs, changes); diff != "" {
		t.Error(diff)
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                      "not a lock file",
		"version: 2\nimages: {}":                "not a lock file",
		"version: 1\nimages: [a]":               "has to be a mapping",
		"version: 1\nimages: {a: b}":            "is no digest",
		"version: 1\nimages: {a//b: sha256:00}": "is no part of a name",
		"version: 1\nimages: {quay.io/a: sha256:abc}": "is no digest",
	} {
		file := filepath.Join(t.TempDir(), "lock")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := lockfile.Read(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, which should say %q", text, err, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := lockfile.Read(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if f, err := lockfile.ReadIfThere(missing); err != nil || len(f) != 0 {
		t.Errorf("a missing file: %v, %v", f, err)
	}
}
