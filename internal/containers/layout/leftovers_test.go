package layout_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// below is what is below a folder.
func below(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if path != dir {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A run in which nothing arrived leaves what was there before, and no more.
func TestNothingIsLeftOfALayoutThatGotNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a/b/images", "images.tar", "there"} {
		for what, end := range map[string]func(l *layout.Layout) error{
			"that was only planned": func(*layout.Layout) error { return nil },
			"whose images failed":   func(l *layout.Layout) error { return l.Finish(t.Context(), true) },
			"whose blob was cut off": func(l *layout.Layout) error {
				d := registry.Descriptor{Digest: "sha256:" + strings.Repeat("0", 64), Size: 8}
				if l.Upload(t.Context(), "", "ns/a", d, strings.NewReader("half")) == nil {
					t.Error("half a blob is taken")
				}
				return l.Finish(t.Context(), true)
			},
		} {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "there"), 0o700); err != nil {
				t.Fatal(err)
			}
			l, err := layout.Create(filepath.Join(dir, name), false)
			if err != nil {
				t.Fatal(err)
			}
			if err := end(l); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if left := below(t, dir); len(left) != 1 || left[0] != "there" {
				t.Errorf("of %s, %s, these are left: %v", name, what, left)
			}
		}
	}
}

// What has arrived stays for the next run, and what somebody else keeps there stays, too.
func TestALayoutWithSomethingStays(t *testing.T) {
	t.Parallel()
	blob := []byte("a layer")
	d := registry.Descriptor{Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(blob)), Size: int64(len(blob))}
	for _, name := range []string{"images", "images.tar"} {
		path := filepath.Join(t.TempDir(), name)
		l, err := layout.Create(path, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Upload(t.Context(), "", "ns/a", d, bytes.NewReader(blob)); err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		left := strings.Join(below(t, filepath.Dir(path)), " ")
		if !strings.Contains(left, strings.TrimPrefix(d.Digest, "sha256:")) && left != "images.tar.partial" {
			t.Errorf("of %s, this is left: %s", name, left)
		}
	}
	dir := filepath.Join(t.TempDir(), "images")
	l, err := layout.Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if left := strings.Join(below(t, dir), " "); left != "notes oci-layout" {
		t.Errorf("this is left: %s", left)
	}
}

// Who can write to the folder must not choose which of the user's files is written.
func TestAnUnfinishedFileThatIsALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	valuable, missing := filepath.Join(dir, "valuable"), filepath.Join(dir, "missing")
	if err := os.WriteFile(valuable, []byte("all that I have"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"a.tar": valuable, "b.tar": missing} {
		path := filepath.Join(dir, name)
		if err := os.Symlink(to, path+".partial"); err != nil {
			t.Fatal(err)
		}
		if l, err := layout.Create(path, false); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
	if text, err := os.ReadFile(valuable); err != nil || string(text) != "all that I have" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Lstat(missing); err == nil {
		t.Error("a file was made through the link")
	}
}
