package openstack

import (
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// incumbentRequests is how many requests HashiCorp's plugin sends for the same build on the same cloud,
// its `packer validate` not counted (`make bench`).
const incumbentRequests = 23

// Asking more often than anything can have changed helps nobody.
func TestRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Transition: 500 * time.Millisecond})
	w.ResetRequests()
	start := time.Now()
	if _, out, err := w.build(t.Context(), map[string]any{
		"source_image": nil, "source_image_name": "debian-12", "networks": nil, "image_tags": []string{"x"}, "image_min_disk": 1,
		"image_visibility": "private",
		"poll_interval":    nil,
	}, nil); err != nil {
		t.Fatal(err, out)
	}
	t.Log(time.Since(start))
	for _, r := range w.Requests() {
		t.Logf("%6d ms  %-6s %s  %d", r.Time.Sub(start).Milliseconds(), r.Method, r.Path, r.Status)
	}
	if n := len(w.Requests()); n > incumbentRequests*12/10 {
		t.Errorf("%d requests, want at most %d", n, incumbentRequests*12/10)
	}
}
