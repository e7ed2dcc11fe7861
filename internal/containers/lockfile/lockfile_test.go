package lockfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	want := &lockfile.File{
		Images: map[string]string{"quay.io/t/x:1": a, "192.0.2.1:8787/t/y:2": b},
		Tags:   map[string]string{"quay.io/t/x:current": "1"},
	}
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
	if tag, err := got.Tag(image.WithTag("current")); err != nil || tag != "1" {
		t.Errorf("%s, %v", tag, err)
	}
	if _, err := got.Tag(image); !fault.Is(err, fault.Drift) {
		t.Errorf("a tag that isn't in the file: %v", err)
	}
	changes := lockfile.Diff(want, &lockfile.File{
		Images: map[string]string{"quay.io/t/x:1": b, "new:1": a}, Tags: map[string]string{"quay.io/t/x:current": "2"},
	})
	differs := []lockfile.Change{
		{"quay.io/t/x:current", "1", "2"},
		{"192.0.2.1:8787/t/y:2", b, ""},
		{"new:1", "", a},
		{"quay.io/t/x:1", a, b},
	}
	if diff := cmp.Diff(differs, changes); diff != "" {
		t.Error(diff)
	}
}

// bomb has aliases of aliases.
func bomb() (text string) {
	for c := 'b'; c < 'j'; c++ {
		before := fmt.Sprintf("*%c", c-1)
		text += fmt.Sprintf("x-%c: &%c [%s]\n", c, c, strings.Join(slices.Repeat([]string{before}, 8), ","))
	}
	return text
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	sum := "sha256:" + strings.Repeat("a", 64)
	for text, want := range map[string]string{
		"":                                      "the file is empty; begin with version: 1 and images:",
		"version: 2\nimages: {}":                `lock:1:10: version: "2" is unknown; did you mean "1"? it is 1`,
		"images: {}":                            "version: it is missing",
		"version: 1":                            "images: it is missing",
		"version: 1\nimages:":                   "lock:2:1: keys and values are expected",
		"version: 1\nimages: [a]":               "lock:2:9: keys and values are expected",
		"version: 1\nimages: {a: b}":            `lock:2:13: "b" of a is no digest`,
		"version: 1\nimages: {a: }":             "lock:2:10: a text is expected",
		"version: 1\nimages: {a//b: sha256:00}": "lock:2:10: image name",
		"version: 1\nimages: {quay.io/a: sha256:abc}":                              "is no digest",
		"version: 1\nimages: {quay.io/../a: " + sum + "}":                          "is no part of a name",
		"version: 1\nimages: {\"a\\u0007\": " + sum + "}":                          "is no part of a name",
		"version: 1\nimages: {\"a@" + sum + "\": " + sum + "}":                     "is no name of an image with a tag",
		"version: 1\nimages: {a:1: " + sum + ", a:1: " + sum + "}":                 `"a:1" is given twice`,
		"version: 1\nimages: {}\ntags: {a: ..}":                                    `".." of a is no tag`,
		"version: 1\nimage: {}":                                                    `lock:2:1: "image" is unknown here; did you mean "images"?`,
		"version: 1\nx-a: &a [b,b,b,b,b,b,b,b]\n" + bomb() + "images: {}":          "comes to more than 100000 values",
		"version: 1\nimages: " + strings.Repeat("[", 50) + strings.Repeat("]", 50): "nested more than 40 deep",
		"version: 1\nimages: {a: " + strings.Repeat("x", 2<<20) + "}":              "more than 1048576",
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
	if f, err := lockfile.ReadIfThere(missing); err != nil || len(f.Images) != 0 {
		t.Errorf("a missing file: %v, %v", f, err)
	}
}

func FuzzRead(f *testing.F) {
	sum := "sha256:" + strings.Repeat("a", 64)
	for _, seed := range []string{
		"version: 1\nimages: {a:1: " + sum + "}", "version: 1\nimages: &a [*a]", "version: 1\nimages: {<<: {a: b}}",
	} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "lock")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		lock, err := lockfile.Read(file)
		if err != nil {
			return
		}
		if text, err = lock.Bytes(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if again, err := lockfile.Read(file); err != nil || !cmp.Equal(again, lock) {
			t.Errorf("%v becomes %v, %v", lock, again, err)
		}
	})
}
