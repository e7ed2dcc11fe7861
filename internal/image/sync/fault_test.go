package sync_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// Whatever request fails, in whatever way: there is always one image of the name, the old one or the
// new one, and the next run brings the new one and leaves nothing.
func TestEveryRequestFails(t *testing.T) {
	t.Parallel()
	for kind, f := range map[string]sandbox.Fault{
		"403":                   sandbox.Status(http.StatusForbidden),
		"409":                   sandbox.Status(http.StatusConflict),
		"413":                   sandbox.Status(http.StatusRequestEntityTooLarge),
		"500 after the write":   sandbox.StatusAfter(http.StatusInternalServerError),
		"503":                   sandbox.Status(http.StatusServiceUnavailable),
		"connection cut before": {Do: sandbox.DropBefore},
		"connection cut after":  {Do: sandbox.DropAfter},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.release(stream, "0", "data 0", nil)
			w.mustSync()
			for nth := 1; nth <= 24; nth++ {
				now, before := fmt.Sprint("data ", nth), fmt.Sprint("data ", nth-1)
				w.release(stream, fmt.Sprint(nth), now, nil)
				w.sandbox.Faults().Add(sandbox.Rule{Path: "/image/**", Nth: nth, Fault: f})
				_, err := w.sync()
				w.sandbox.Faults().Clear()
				switch current, _ := w.own(stream); {
				case len(current) == 0:
					t.Fatalf("request %d: the name has no image (%v)", nth, err)
				case err == nil:
					w.one(stream, now)
				case len(current) == 1 && current[0].Properties["current"] != fmt.Sprint(nth):
					w.one(stream, before)
				}
				if _, err := w.sync(); err != nil {
					t.Fatalf("request %d: the next run: %v", nth, err)
				}
				w.one(stream, now)
				if _, others := w.own(stream); len(others) != nth {
					t.Fatalf("request %d: besides the archive there are\n%s", nth, glance.List(others))
				}
			}
		})
	}
}
