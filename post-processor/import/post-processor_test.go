package imports

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// world is a sandbox with a file to import into two of its projects.
type world struct {
	*sandbox.Cloud
	t    *testing.T
	file string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Cloud: sandboxtest.Start(t), t: t, file: filepath.Join(t.TempDir(), "disk.raw")}
	if err := os.WriteFile(w.file, []byte("a disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", w.CloudsYAML())
	return w
}

func (w *world) run(ctx context.Context, more map[string]any) (packersdk.Artifact, error) {
	w.t.Helper()
	options := map[string]any{"clouds": []string{"demo", "member-a"}, "image_name": "web"}
	maps.Copy(options, more)
	var p PostProcessor
	if err := p.Configure(options); err != nil {
		w.t.Fatal(err)
	}
	a, _, _, err := p.PostProcess(ctx, packersdk.TestUi(w.t), &packersdk.MockArtifact{FilesValue: []string{w.file}})
	return a, err
}

func (w *world) images(entry string) []*glance.Image {
	w.t.Helper()
	c := cloudtest.Connect(w.t, w.CloudsYAML(), entry)
	sc, err := c.Image()
	if err != nil {
		w.t.Fatal(err)
	}
	found, err := glance.New(sc).Images(context.Background(), glance.Query{Owner: c.Project().ID, BothHidden: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// statuses are those of the members of one of demo's images.
func (w *world) statuses(id string) map[string]string {
	w.t.Helper()
	sc, err := cloudtest.Connect(w.t, w.CloudsYAML(), "demo").Image()
	if err != nil {
		w.t.Fatal(err)
	}
	found, err := glance.New(sc).Statuses(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func TestTwoClouds(t *testing.T) {
	w := newWorld(t)
	for range 2 { // the second archives the first
		a, err := w.run(t.Context(), map[string]any{
			"properties": map[string]string{"os_distro": "debian"}, "min_ram": 64, "boot_test": map[string]any{
				"flavor": "m1.tiny", "console": "login:", "networks": []string{"private"},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ids := a.State("images").(map[string]string)
		if len(ids) != 2 || a.BuilderId() != BuilderID || !strings.Contains(a.String(), "demo:"+ids["demo"]) {
			t.Errorf("the artifact is %s, %v", a, ids)
		}
		for entry, id := range ids {
			img, _ := w.Image(id)
			if img.Name != "web" || img.Hidden || img.Properties["os_distro"] != "debian" || img.MinRAM != 64 ||
				img.Properties["imgctl_boot_test"] != "passed" {
				t.Errorf("%s has %+v", entry, img)
			}
		}
	}
	if all := w.images("demo"); len(all) != 2 {
		t.Errorf("images:\n%s", glance.List(all))
	}
}

func TestOneCloudFails(t *testing.T) {
	w := newWorld(t)
	member := cloudtest.Connect(t, w.CloudsYAML(), "member-a").Project().ID
	refuse := func(r *http.Request) bool {
		return strings.Contains(r.URL.RawQuery, member)
	}
	w.Faults().Add(sandbox.Rule{Method: "GET", Path: "/image/v2/images", Match: refuse, Fault: sandbox.Status(http.StatusForbidden)})
	a, err := w.run(t.Context(), nil)
	w.Faults().Clear()
	if err == nil || !strings.Contains(err.Error(), "cloud member-a: ") {
		t.Errorf("%v", err)
	}
	if ids := a.State("images").(map[string]string); len(ids) != 1 || ids["demo"] == "" {
		t.Errorf("the artifact has %v", ids)
	}
	if all := w.images("member-a"); len(all) > 0 {
		t.Errorf("left in member-a:\n%s", glance.List(all))
	}
}

func TestBootTestFails(t *testing.T) {
	w := newWorld(t)
	_, err := w.run(t.Context(), map[string]any{"clouds": []string{"demo"}, "boot_test": map[string]any{
		"flavor": "m1.tiny", "console": "never", "timeout": "5s", "networks": []string{"private"},
	}})
	if err == nil || !strings.Contains(err.Error(), "failed the boot test") {
		t.Fatal(err)
	}
	all := w.images("demo")
	if len(all) != 1 || !all[0].Hidden || all[0].Name == "web" || all[0].Properties["imgctl_boot_test"] != "failed" {
		t.Errorf("images:\n%s", glance.List(all))
	}
}

// TestMembersWithoutPromotion shares the image, and leaves the image alone that has the name.
func TestMembersWithoutPromotion(t *testing.T) {
	w := newWorld(t)
	project := func(entry string) string { return cloudtest.Connect(t, w.CloudsYAML(), entry).Project().ID }
	b, other := project("member-b"), project("other")
	options := map[string]any{
		"clouds": []string{"demo", "member-a"}, "accept_with": []string{"member-b"}, "skip_promotion": true,
		"image_members": []map[string]any{{"cloud": "demo", "projects": []string{b, other}}},
	}
	for range 2 {
		a, err := w.run(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		ids := a.State("images").(map[string]string)
		if text := a.String(); text != `"web" is in: demo:`+ids["demo"]+", member-a:"+ids["member-a"] {
			t.Errorf("the artifact is %s", text)
		}
		shared, _ := w.Image(ids["demo"])
		private, _ := w.Image(ids["member-a"])
		if shared.Name != "web" || shared.Hidden || shared.Visibility != "shared" || private.Visibility != "private" || private.Hidden {
			t.Errorf("images are %+v and %+v", shared, private)
		}
		if _, found := shared.Properties["imgctl_deadline"]; found {
			t.Error("it has a deadline still")
		}
		if m := w.statuses(ids["demo"]); m[b] != "accepted" || m[other] != "pending" {
			t.Errorf("the members are %v", m)
		}
	}
	if all := w.images("demo"); len(all) != 2 || all[0].Name != "web" || all[1].Name != "web" {
		t.Errorf("images:\n%s", glance.List(all))
	}
}

// TestEveryRequestFails fails every request in turn: in each cloud there is always one image of the name, the old one or
// the new one, nothing half is left, and the next run makes the new one current.
func TestEveryRequestFails(t *testing.T) {
	for kind, f := range map[string]sandbox.Fault{
		"403":                 sandbox.Status(http.StatusForbidden),
		"409":                 sandbox.Status(http.StatusConflict),
		"500 after the write": sandbox.StatusAfter(http.StatusInternalServerError),
		"answer lost":         {Do: sandbox.DropAfter},
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			if _, err := w.run(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			for nth := 1; nth <= 40; nth++ {
				hit := false
				w.Faults().Add(sandbox.Rule{Nth: nth, Fault: f, Match: func(*http.Request) bool { hit = true; return true }})
				a, err := w.run(t.Context(), nil)
				w.Faults().Clear()
				w.current(nth, err)
				if err == nil && len(a.State("images").(map[string]string)) != 2 {
					t.Errorf("request %d: it says that it is done: %s", nth, a)
				}
				if err != nil {
					if _, err := w.run(t.Context(), nil); err != nil {
						t.Fatalf("request %d: the next run: %v", nth, err)
					}
					w.current(nth, nil)
				}
				if !hit {
					return
				}
			}
		})
	}
}

// current checks that each cloud has one image of the name, and no half one.
func (w *world) current(nth int, why error) {
	w.t.Helper()
	for _, entry := range []string{"demo", "member-a"} {
		current := 0
		for _, img := range w.images(entry) {
			switch {
			case img.Name == "web" && !img.Hidden:
				current++
			case strings.HasPrefix(img.Name, "imgctl-") && why == nil:
				w.t.Errorf("request %d: in %s, image %s is left", nth, entry, img)
			}
		}
		if current == 0 || current > 1 && why == nil {
			w.t.Errorf("request %d (%v): in %s, %d images are current", nth, why, entry, current)
		}
	}
}

// TestCloudThatStalls has one cloud take no data for a while: the other one is done before it.
func TestCloudThatStalls(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(w.file, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	stalled := false
	w.Faults().Add(sandbox.Rule{Method: "PUT", Path: "/image/v2/images/*/file", Nth: 1, Fault: sandbox.Fault{
		Do: sandbox.Observe, Before: func(*http.Request) { stalled = true; <-release },
	}})
	go func() { // until the other one is current
		defer close(release)
		for t.Context().Err() == nil {
			for _, entry := range []string{"demo", "member-a"} {
				for _, img := range w.images(entry) {
					if img.Name == "web" && !img.Hidden {
						return
					}
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	if _, err := w.run(t.Context(), nil); err != nil || !stalled {
		t.Errorf("%v, stalled: %v", err, stalled)
	}
	w.current(0, nil)
}

// TestCancelled cancels the import at each request to the Image service; no image is left that isn't current.
func TestCancelled(t *testing.T) {
	w := newWorld(t)
	for nth := 1; nth < 40; nth++ {
		ctx, cancel := context.WithCancel(t.Context())
		hit := false
		w.Faults().Add(sandbox.Rule{Path: "/image/**", Nth: nth, Fault: sandbox.Fault{
			Do: sandbox.Observe, Before: func(*http.Request) { hit = true; cancel() },
		}})
		_, err := w.run(ctx, map[string]any{"clouds": []string{"demo"}})
		cancel()
		w.Faults().Clear()
		if !hit {
			return
		}
		for _, img := range w.images("demo") {
			if strings.HasPrefix(img.Name, "imgctl-") {
				t.Errorf("cancelled at request %d (%v), image %s is left", nth, err, img)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	w := newWorld(t)
	for want, options := range map[string]map[string]any{
		"clouds: it is missing":       {"image_name": "web"},
		"clouds: a cloud is named":    {"image_name": "web", "clouds": []string{"demo", "demo"}},
		"image_name: it is missing":   {"clouds": []string{"demo"}},
		"the value is empty":          {"clouds": []string{""}, "image_name": "web"},
		"checksum: ":                  {"clouds": []string{"demo"}, "image_name": "web", "checksum": "md7:1"},
		"boot_test: flavor":           {"clouds": []string{"demo"}, "image_name": "web", "boot_test": map[string]any{"console": "x"}},
		"image_members: cloud":        {"clouds": []string{"demo"}, "image_name": "web", "image_members": []map[string]any{{"cloud": "x", "projects": []string{"p"}}}},
		"there is no project":         {"clouds": []string{"demo"}, "image_name": "web", "image_members": []map[string]any{{"cloud": "demo"}}},
		"no effect with skip_promo":   {"clouds": []string{"demo"}, "image_name": "web", "skip_promotion": true, "old_action": "hide"},
		"old_action: \"burn\" is not": {"clouds": []string{"demo"}, "image_name": "web", "old_action": "burn"},
	} {
		var p PostProcessor
		if err := p.Configure(options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", options, err, want)
		}
	}
	if len(w.Requests()) > 0 {
		t.Error("validating sends requests")
	}
	_, err := w.run(t.Context(), map[string]any{"checksum": "sha256:" + strings.Repeat("0", 64)})
	if err == nil || len(w.images("demo"))+len(w.images("member-a")) > 0 {
		t.Errorf("a wrong checksum: %v", err)
	}
}
