package transfer_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// disturb answers the nth request, of either server, in its own way.
func disturb(nth int32, how func(w http.ResponseWriter, r *http.Request, next http.Handler), servers ...*server) (happened *atomic.Bool) {
	var n atomic.Int32
	happened = &atomic.Bool{}
	for _, s := range servers {
		s.rule(func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
			if n.Add(1) != nth {
				return false
			}
			happened.Store(true)
			how(w, r, next)
			return true
		})
	}
	return happened
}

// Whatever happens to any one request, the copy comes to its end: by itself where that may pass, else
// by the next run. Nothing is ever named that isn't whole.
func TestEachRequestMayFail(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: copies some hundred times")
	}
	t.Parallel()
	for name, c := range map[string]struct {
		how    func(w http.ResponseWriter, r *http.Request, next http.Handler)
		passes bool // without another run
	}{
		"no answer": {func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }, true},
		"the answer is lost": {func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}, true},
		"503": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}, true},
		"429": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusTooManyRequests)
		}, true},
		"403": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) }, false},
		"404": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusNotFound) }, false},
		"409 after it was done": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusConflict)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := start(t)
			base := layer(t, 5000)
			image, _ := from.signed(t)
			from.push(t, "ns/b:1", base)
			images := []string{"ns/a:1", "ns/b:1"}
			for nth := int32(1); ; nth++ {
				to := start(t)
				happened := disturb(nth, c.how, from, to)
				_, err := copied(t, client(t, registry.Options{}), jobs(t, from, images, to))
				from.rule(nil)
				to.rule(nil)
				if c.passes && err != nil {
					t.Errorf("request %d: %v", nth, err)
				}
				for _, name := range images {
					if to.has(t, name) == from.has(t, name) {
						to.whole(t, name)
					}
				}
				if _, err := copied(t, client(t, registry.Options{}), jobs(t, from, images, to)); err != nil {
					t.Errorf("request %d, the next run: %v", nth, err)
				}
				for _, name := range images {
					if got, want := to.has(t, name), from.has(t, name); got != want {
						t.Errorf("request %d: %s is %s in the end, not %s", nth, name, got, want)
					}
					to.whole(t, name)
				}
				if c.passes && to.has(t, image+".sig") != from.has(t, image+".sig") {
					t.Errorf("request %d: the signature is lost", nth)
				}
				if !happened.Load() {
					break
				}
			}
		})
	}
}
