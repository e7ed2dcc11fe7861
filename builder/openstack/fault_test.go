package openstack

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// kindOfBuild is a build that makes requests which others don't.
type kindOfBuild struct {
	name string
	more map[string]any
}

// routes are builds that together make every request that a build can make.
var routes = []kindOfBuild{
	{"server", map[string]any{"communicator": "ssh", "ssh_username": "x", "ssh_host": "127.0.0.1", "image_visibility": "shared"}},
	{"floating IP", map[string]any{"floating_ip_network": "public"}},
	{"reused IP", map[string]any{"reuse_ips": true}},
	{"volume", map[string]any{"use_blockstorage_volume": true, "image_disk_format": "raw"}},
	{"import", map[string]any{"source_image": nil}},
}

var kinds = []sandbox.Fault{
	sandbox.Status(409), sandbox.Status(413),
	{Do: sandbox.Answer, Status: 429, RetryAfter: "0"},
	sandbox.Status(500), sandbox.StatusAfter(500),
	sandbox.Status(503),
	{Do: sandbox.DropBefore},
	{Do: sandbox.DropAfter},
	{Do: sandbox.Delay, Wait: 300 * time.Millisecond},
	{Do: sandbox.Truncate},
}

// route is the world of one of the routes, with the options that need it.
func route(t *testing.T, n int) (*world, map[string]any) {
	w := newWorld(t, sandbox.Options{})
	w.keep()
	more := with(routes[n].more, map[string]any{"image_tags": []string{"a"}, "cleanup_timeout": "20s"})
	switch routes[n].name {
	case "server":
		// The communicator is not what is tested here.
		delete(more, "communicator")
		more["image_members"] = []string{w.ProjectID("member-a")}
		more["image_name_conflict"] = "fail"
	case "import":
		more["external_source_image_url"] = w.download("a disk")
	}
	return w, more
}

// check looks at how a build ended that something happened to: it left nothing behind, and the
// image is there exactly if it succeeded.
func (w *world) check(err error, out string) string {
	w.Faults().Clear()
	var wrong []string
	if left := w.left(); len(left) > 0 {
		wrong = append(wrong, "left behind: "+strings.Join(left, ", "))
	}
	want := 1
	if err != nil {
		want = 0
	}
	ids := w.named("web-base")
	if len(ids) != want {
		wrong = append(wrong, fmt.Sprintf("images %v of the name, want %d", ids, want))
	}
	for _, id := range ids {
		if err := w.look.images.Delete(w.t.Context(), id); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return fmt.Sprintf("%s\nerror: %v\n%s", strings.Join(wrong, "\n"), err, out)
}

// requests is how many requests a build makes that nothing happens to.
func (w *world) requests(more map[string]any) int {
	w.t.Helper()
	w.ResetRequests()
	if _, out, err := w.build(w.t.Context(), more, nil); err != nil {
		w.t.Fatal(err, out)
	}
	n := len(w.Requests())
	if wrong := w.check(nil, ""); wrong != "" {
		w.t.Fatal(wrong)
	}
	return n
}

// Each request of a build fails in each way in turn: afterwards nothing is left but a whole image,
// or nothing at all. Most of the time is spent waiting, so the ways go side by side.
func TestEveryRequestFails(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: builds hundreds of images")
	}
	for n := range routes {
		t.Run(routes[n].name, func(t *testing.T) {
			t.Parallel()
			var survived, builds atomic.Int64
			var wg sync.WaitGroup
			for _, kind := range kinds {
				w, more := route(t, n)
				wg.Go(func() {
					requests := w.requests(more)
					for nth := 1; nth <= requests && !t.Failed(); nth++ {
						if w.failRequest(more, kind, nth) {
							survived.Add(1)
						}
						builds.Add(1)
					}
				})
			}
			wg.Wait()
			t.Logf("%d of %d builds succeeded in spite of the fault", survived.Load(), builds.Load())
		})
	}
}

// failRequest builds with one fault, and reports whether the build succeeded.
func (w *world) failRequest(more map[string]any, kind sandbox.Fault, nth int) bool {
	var hit atomic.Value
	kind.Before = func(r *http.Request) { hit.Store(r.Method + " " + r.URL.Path) }
	w.Faults().Add(sandbox.Rule{Nth: nth, Fault: kind})
	_, out, err := w.build(w.t.Context(), more, nil)
	if wrong := w.check(err, out); wrong != "" {
		w.t.Errorf("%s of request %d (%v): %s", kind, nth, hit.Load(), wrong)
	}
	return err == nil
}

// A build is cancelled at each of its requests, before the service does it and after.
func TestCancelAtEveryRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: builds hundreds of images")
	}
	for n := range routes {
		t.Run(routes[n].name, func(t *testing.T) {
			t.Parallel()
			w, more := route(t, n)
			requests := w.requests(more)
			var slowest time.Duration
			for nth := 1; nth <= requests && !t.Failed(); nth++ {
				slowest = max(slowest, w.cancelAt(more, nth, false), w.cancelAt(more, nth, true))
			}
			t.Logf("%d cancellations, the slowest took %s", 2*requests, slowest)
		})
	}
}

// cancelAt cancels a build at its nth request, and gives how long it went on.
func (w *world) cancelAt(more map[string]any, nth int, after bool) time.Duration {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var at atomic.Int64
	var hit atomic.Value
	stop := func(r *http.Request) {
		hit.Store(r.Method + " " + r.URL.Path)
		at.Store(time.Now().UnixNano())
		cancel()
		// The client goes away before the service is done.
		time.Sleep(20 * time.Millisecond)
	}
	f := sandbox.Fault{Do: sandbox.Observe, Before: stop}
	if after {
		f = sandbox.Fault{Do: sandbox.Observe, After: stop}
	}
	w.Faults().Add(sandbox.Rule{Nth: nth, Fault: f})
	_, out, err := w.build(ctx, more, nil)
	if wrong := w.check(err, out); wrong != "" {
		w.t.Errorf("cancelled at request %d (%v), after it: %v: %s", nth, hit.Load(), after, wrong)
	}
	if at.Load() == 0 {
		return 0 // this build made fewer requests
	}
	took := time.Since(time.Unix(0, at.Load()))
	if took > 10*time.Second {
		w.t.Errorf("cancelled at request %d (%v): went on for %s\n%s", nth, hit.Load(), took, out)
	}
	return took
}

// A build is cancelled while it waits for the answer to a create, which doesn't come: what the
// service made all the same is found by the run's marks.
func TestCancelWithoutAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: waits for answers that don't come")
	}
	for _, tt := range []struct{ route, path string }{
		{"server", "/compute/**/servers"},
		{"server", "/compute/**/action"}, // the second is createImage
		{"floating IP", "/network/**/ports"},
		{"floating IP", "/network/**/floatingips"},
		{"volume", "/volume/**/volumes"},
		{"volume", "/volume/**/action"}, // the third is the upload
	} {
		t.Run(tt.route+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			n := slices.IndexFunc(routes, func(k kindOfBuild) bool { return k.name == tt.route })
			w, more := route(t, n)
			for nth := 1; nth <= 3; nth++ {
				ctx, cancel := context.WithCancel(t.Context())
				hit := false
				w.Faults().Add(sandbox.Rule{
					Method: "POST", Path: tt.path, Nth: nth,
					Fault: sandbox.Fault{Do: sandbox.Observe, After: func(*http.Request) {
						hit = true
						cancel()
						time.Sleep(1500 * time.Millisecond) // longer than the build waits for an answer after a cancel
					}},
				})
				_, out, err := w.build(ctx, more, nil)
				cancel()
				time.Sleep(600 * time.Millisecond) // until the sandbox is done with it
				if wrong := w.check(err, out); wrong != "" {
					t.Errorf("POST %d: %s", nth, wrong)
				}
				if !hit {
					break
				}
			}
		})
	}
}

// Faults at random, several in one build.
func TestRandomFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: builds many images")
	}
	w, more := route(t, 0)
	for seed := uint64(1); seed <= 15; seed++ {
		w.Faults().Schedule(seed, 0.15, kinds...)
		_, out, err := w.build(t.Context(), more, nil)
		if wrong := w.check(err, out); wrong != "" {
			t.Fatalf("seed %d: %s", seed, wrong)
		}
	}
}
