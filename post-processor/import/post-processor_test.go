package imports

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		"flavor": "m1.tiny", "console": "never", "timeout": "2s", "networks": []string{"private"},
	}})
	if err == nil || !strings.Contains(err.Error(), "failed the boot test") {
		t.Fatal(err)
	}
	all := w.images("demo")
	if len(all) != 1 || !all[0].Hidden || all[0].Name == "web" || all[0].Properties["imgctl_boot_test"] != "failed" {
		t.Errorf("images:\n%s", glance.List(all))
	}
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
