package share_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// newFar is a world with a project on another cloud, "far"; there is nil on a real one.
func newFar(t *testing.T) (w *world, there *sandbox.Cloud) {
	t.Helper()
	w = newWorld(t)
	file, entry := os.Getenv(realClouds), "elsewhere"
	if file == "" {
		there = sandboxtest.Start(t, sandbox.Options{})
		file, entry = there.CloudsYAML(), "demo"
	}
	here := w.clouds
	w.clouds = share.Cached(func(ctx context.Context, name string) (*share.Tenancy, error) {
		if name == "far" {
			return reach(ctx, file, entry, "far")
		}
		return here(ctx, name)
	})
	return w, there
}

// newFarSandbox is for tests that look inside or make requests fail.
func newFarSandbox(t *testing.T) (w *world, there *sandbox.Cloud) {
	t.Helper()
	newSandbox(t, sandbox.Options{})
	return newFar(t)
}

// copies are the images on the far cloud, hidden ones included.
func (w *world) copies() []*glance.Image {
	w.t.Helper()
	all, err := w.site("far").Images.Images(w.t.Context(), glance.Query{Owner: w.project("far"), BothHidden: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(i *glance.Image) bool { return !strings.HasSuffix(i.Name, w.suffix) })
}

func TestCopyToAnotherCloud(t *testing.T) {
	t.Parallel()
	w, there := newFar(t)
	id := w.image("web", map[string]any{
		"os_distro": "debian", "tags": []string{"ci"}, "min_disk": 3,
		"imgctl_promoted": "2026-01-01T00:00:00Z",
	})
	o := share.AddOptions{Selection: images(id), From: "demo", To: []string{"member-a", "far"}}
	wantKind(t, w.add(o), fault.Usage, "copy = true")

	o.Copy = true
	w.mustAdd(o)
	w.expectMembers(id, map[string]string{"member-a": glance.Accepted})
	all := w.copies()
	if len(all) != 1 {
		t.Fatalf("copies are %v", all)
	}
	from, c := w.get(id), all[0]
	if there == nil {
		t.Cleanup(func() { _ = w.site("far").Images.Delete(context.Background(), c.ID) })
	}
	if c.Name != from.Name || c.Hidden || c.Visibility != glance.Private || c.MinDisk != 3 || c.HashValue != from.HashValue ||
		c.Tags[0] != "ci" ||
		c.Properties["os_distro"] != "debian" || c.Properties[share.SourceKey] != "demo/"+id+"/"+from.HashValue {
		t.Errorf("copy is %+v", c)
	}
	for key := range c.Properties {
		if strings.HasPrefix(key, "imgctl_") && key != share.SourceKey {
			t.Errorf("the copy has %s", key)
		}
	}

	if there != nil {
		there.ResetRequests()
	}
	w.writesNothing(func() { w.mustAdd(o) })
	if again := w.copies(); len(again) != 1 {
		t.Errorf("the second time made the copies %v", again)
	}
	if there == nil {
		return
	}
	for _, r := range there.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("the second time sent %s %s", r.Method, r.Path)
		}
	}
}

// Data that can't be read or booted without something that stays behind is not copied.
func TestCopyOfTiedDataIsRefused(t *testing.T) {
	t.Parallel()
	w, _ := newFar(t)
	for property, value := range map[string]string{
		"cinder_encryption_key_id": "5f1f3e9e-0000-4000-8000-000000000001", "os_encrypt_key_id": "5f1f3e9e-0000-4000-8000-000000000001",
		"block_device_mapping": `[{"snapshot_id": "5f1f3e9e-0000-4000-8000-000000000001"}]`,
		"kernel_id":            "5f1f3e9e-0000-4000-8000-000000000001",
	} {
		id := w.image("web "+property, map[string]any{property: value})
		w.writesNothing(func() {
			err := w.add(share.AddOptions{Selection: images(id), To: []string{"far"}, Tuning: share.Tuning{Copy: true}})
			wantKind(t, err, fault.Conflict, property)
		})
	}
	id := w.image("web", map[string]any{"kernel_id": "", "root_device_name": "/dev/vda", "base_image_ref": "image"})
	w.mustAdd(share.AddOptions{Selection: images(id), To: []string{"far"}, Tuning: share.Tuning{Copy: true}})
	for _, c := range w.copies() {
		for _, property := range []string{"root_device_name", "base_image_ref"} {
			if v, ok := c.Properties[property]; ok {
				t.Errorf("the copy has %s %q", property, v)
			}
		}
	}
}

// Each request to the far cloud and each download fails once, in each way: afterwards there is one
// complete copy, or none at all, and everything else is as it was.
func TestCopyFails(t *testing.T) {
	t.Parallel()
	data := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/file") }
	for kind, f := range everyFault {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, there := newFarSandbox(t)
			for nth := range 6 {
				id := w.image(fmt.Sprint("web ", nth), nil)
				before := w.tree(id)
				p, err := share.PlanAdd(t.Context(), w.clouds, share.AddOptions{
					Selection: images(id), To: []string{"far", "member-a"},
					Tuning: share.Tuning{Copy: true},
				})
				if err != nil {
					t.Fatal(err)
				}
				if nth == 0 {
					w.sandbox.Faults().Add(sandbox.Rule{Match: data, Nth: 1, Fault: f})
				} else {
					there.Faults().Add(sandbox.Rule{Match: toGlance, Nth: nth, Fault: f})
				}
				err = share.Apply(t.Context(), p, report.Discard)
				w.sandbox.Faults().Clear()
				there.Faults().Clear()
				var made []string
				for _, c := range w.copies() {
					if c.Name == fmt.Sprint("web ", nth) {
						made = append(made, c.Properties[share.SourceKey])
					}
				}
				switch {
				case err == nil && (len(made) != 1 || made[0] == ""):
					t.Errorf("fault at request %d: it says that it is done, and there are the copies %q", nth, made)
				case err != nil && (len(made) != 0 || w.tree(id) != before):
					t.Errorf("fault at request %d: it says %v\nand there are the copies %q\nbefore %safter  %s", nth, err, made, before,
						w.tree(id))
				}
			}
		})
	}
}

// What killed runs left of the same copy is removed, and one that may be alive is waited for.
func TestCopyTakesOverFromDeadRuns(t *testing.T) {
	t.Parallel()
	w, there := newFarSandbox(t)
	id := w.image("web", nil)
	left := func(age time.Duration, copying string) string {
		id, err := there.AddImage(sandbox.Image{
			Name: "web", Project: "demo", Visibility: "private", Hidden: true, CreatedAt: time.Now().Add(-age),
			Properties: map[string]string{
				cloud.RunKey: string(cloud.NewRun()), cloud.DeadlineKey: time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
				share.CopyingKey: copying,
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	own := "demo/" + id + "/" + w.get(id).HashValue
	left(time.Hour, own)
	left(0, own) // its run was killed a moment ago, which nobody can know
	other := left(time.Hour, "demo/another/0")
	w.mustAdd(share.AddOptions{Selection: images(id), To: []string{"far"}, Tuning: share.Tuning{Copy: true}})
	var names []string
	for _, c := range w.copies() {
		if c.ID != other {
			names = append(names, c.Name+" "+c.Status+" "+
				c.Properties[share.CopyingKey]+c.Properties[cloud.RunKey]+c.Properties[cloud.DeadlineKey])
		}
	}
	if !slices.Equal(names, []string{"web active "}) || len(w.copies()) != 2 {
		t.Errorf("images there are %q, and another copy's: %v", names, w.copies())
	}
}

// Data that isn't the image's is never kept, even where no request fails.
func TestCopyVerifiesItsData(t *testing.T) {
	t.Parallel()
	w, there := newFarSandbox(t)
	id := w.image("web", nil)
	o := share.AddOptions{Selection: images(id), To: []string{"far"}, Tuning: share.Tuning{Copy: true}}
	p, err := share.PlanAdd(t.Context(), w.clouds, o)
	if err != nil {
		t.Fatal(err)
	}
	// The far cloud stores something else than what it is sent.
	there.Faults().Add(sandbox.Rule{Method: "PUT", Path: "**/file", Fault: sandbox.Fault{Do: sandbox.Observe, After: func(r *http.Request) {
		for _, c := range w.copies() {
			if err := there.SetHash(c.ID, "sha512", strings.Repeat("0", 128)); err != nil {
				t.Error(err)
			}
		}
	}}})
	err = share.Apply(t.Context(), p, report.Discard)
	wantKind(t, err, fault.Unavailable, "sha512")
	if left := w.copies(); len(left) != 0 {
		t.Errorf("copies are left: %v", left)
	}
}

// What is sent is hashed on its way: the far cloud may keep another kind of checksum.
func TestCopyVerifiesWhatItSends(t *testing.T) {
	t.Parallel()
	w, there := newFarSandbox(t)
	id := w.image("web", nil)
	if err := w.sandbox.SetHash(id, "sha512", strings.Repeat("0", 128)); err != nil {
		t.Fatal(err)
	}
	there.Faults().Add(sandbox.Rule{Method: "PUT", Path: "**/file", Fault: sandbox.Fault{Do: sandbox.Observe, After: func(r *http.Request) {
		for _, c := range w.copies() {
			if err := there.SetHash(c.ID, "sha256", "1"); err != nil {
				t.Error(err)
			}
		}
	}}})
	err := w.add(share.AddOptions{Selection: images(id), To: []string{"far"}, Tuning: share.Tuning{Copy: true}})
	wantKind(t, err, fault.Unavailable, "the data that came from")
	if left := w.copies(); len(left) != 0 {
		t.Errorf("copies are left: %v", left)
	}
}
