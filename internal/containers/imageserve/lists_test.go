package imageserve_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// A tag that was stored and isn't listed would count as done, and stay unlisted for ever.
func TestATagIsListedBeforeItIsThere(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	opened, err := imageserve.Create(f.dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	images := imageserve.Images{Folder: opened}
	manifest, err := images.Manifest(t.Context(), registry.Image{Repository: "ns/nova-api", Identifier: "17.1"})
	if err != nil {
		t.Fatal(err)
	}
	put := func(ctx context.Context) error {
		return images.PutManifest(ctx, registry.Image{Repository: "ns/nova-api", Identifier: "new"}, manifest)
	}
	listed := func() string {
		text, err := os.ReadFile(filepath.Join(f.dir, "v2/ns/nova-api/tags/list"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(text)
	}
	tags := func() string {
		all, err := opened.Tags("ns/nova-api")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(all, " ")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()

	unlock := lockLists(t, f.dir)
	if err := put(stopped); err == nil || tags() != "17.1" {
		t.Errorf("stored before it was listed: %v; tags: %s", err, tags())
	}
	unlock()
	if err := put(t.Context()); err != nil || tags() != "17.1 new" || !strings.Contains(listed(), `["17.1","new"]`) {
		t.Errorf("%v; tags: %s, listed %s", err, tags(), listed())
	}

	unlock = lockLists(t, f.dir)
	if err := opened.Delete(stopped, "ns/nova-api", "new"); err == nil || tags() != "17.1 new" {
		t.Errorf("removed while it was listed: %v; tags: %s", err, tags())
	}
	unlock()
	if err := opened.Delete(t.Context(), "ns/nova-api", "new"); err != nil || tags() != "17.1" || strings.Contains(listed(), "new") {
		t.Errorf("%v; tags: %s, listed %s", err, tags(), listed())
	}
}

// lockLists keeps others from writing lists.
func lockLists(t *testing.T, dir string) (unlock func()) {
	t.Helper()
	const name = ".imgctl-lists.lock"
	lock, err := os.OpenFile(filepath.Join(dir, "v2", name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.Lock(t.Context(), lock, name); err != nil {
		t.Fatal(err)
	}
	return func() { _ = lock.Close() }
}
