package imageserve_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// A run in which nothing arrived leaves what was there before, and no more.
func TestNothingIsLeftOfAFolderThatGotNothing(t *testing.T) {
	t.Parallel()
	blob := []byte("a layer")
	d := registry.Descriptor{Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(blob)), Size: int64(len(blob))}
	put := func(text []byte) func(f imageserve.Images, _ string) error {
		return func(f imageserve.Images, _ string) error {
			stored := f.Upload(t.Context(), "", "ns/a", d, bytes.NewReader(text)) == nil
			if stored != bytes.Equal(text, blob) {
				t.Errorf("%q stored: %v", text, stored)
			}
			return f.Finish(t.Context(), true)
		}
	}
	for name, c := range map[string]struct {
		use  func(f imageserve.Images, path string) error
		left bool
	}{
		"only planned":         {func(imageserve.Images, string) error { return nil }, false},
		"the images failed":    {func(f imageserve.Images, _ string) error { return f.Finish(t.Context(), true) }, false},
		"the blob was cut off": {put(blob[:4]), false},
		"the blob is there":    {put(blob), true},
		"another file is there": {func(_ imageserve.Images, path string) error {
			return os.WriteFile(filepath.Join(path, "v2/notes"), nil, 0o600)
		}, true},
		"another process writes": {func(_ imageserve.Images, path string) error {
			other, err := imageserve.Open(path)
			if err != nil {
				return err
			}
			t.Cleanup(func() { other.Close() })
			return imageserve.Images{Folder: other}.Finish(t.Context(), true)
		}, true},
	} {
		for _, above := range []string{"", "srv"} {
			dir := t.TempDir()
			path := filepath.Join(dir, above)
			f, err := imageserve.Create(path, false)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.use(imageserve.Images{Folder: f}, path); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || (len(entries) > 0) != c.left {
				t.Errorf("%s, %q: %v, %v are left", name, above, entries, err)
			}
			if _, err := imageserve.Open(path); (err == nil) != c.left {
				t.Errorf("%s, %q: %v", name, strings.TrimPrefix(path, dir), err)
			}
		}
	}
}
