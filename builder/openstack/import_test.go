package openstack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// download serves data for the Image service to import, and returns its URL.
func (w *world) download(data string) string {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/disk.raw" {
			http.NotFound(rw, r)
			return
		}
		rw.Write([]byte(data))
	}))
	w.t.Cleanup(s.Close)
	return s.URL + "/disk.raw"
}

func TestImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	img, out := w.image(map[string]any{
		"source_image": nil, "external_source_image_url": w.download("a disk"), "external_source_image_format": "raw",
		"external_source_image_properties": map[string]string{"os_distro": "alpine"},
	}, nil)
	if img.Properties["os_distro"] != "alpine" {
		t.Errorf("properties %v\n%s", img.Properties, out)
	}
}

// A download that fails ends the build at once, and says why.
func TestImportFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	start := time.Now()
	_, out, err := w.build(t.Context(), map[string]any{
		"source_image": nil, "external_source_image_url": strings.Replace(w.download(""), "disk", "nothing", 1),
		"external_source_image_format": "raw",
	}, nil)
	if err == nil || !strings.Contains(err.Error(), "external_source_image_url: ") || !strings.Contains(err.Error(), "the import failed") {
		t.Errorf("%v\n%s", err, out)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("noticed after %s", took)
	}
	w.leavesNothing(out)
}
