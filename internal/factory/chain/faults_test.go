package chain_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/chain"
)

// Whichever request for the index or a profile fails, asking again leaves nothing out. The worker asks again,
// because its message isn't done before.
func TestEachRequestFails(t *testing.T) {
	t.Parallel()
	faults := map[string]func(http.ResponseWriter){
		"500": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"cut": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush() // a request without any answer is sent again by the transport
			panic(http.ErrAbortHandler)
		},
	}
	for name, spoil := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, hit := int64(1), true; hit; n++ {
				w := newWorld(t, three, "front", "base", "web", "batch")
				files := http.FileServer(http.Dir(filepath.Join(w.dir, "profiles")))
				var count atomic.Int64
				s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
					switch {
					case count.Add(1) == n:
						spoil(out)
					case r.URL.Path == "/index.xml":
						_, _ = out.Write([]byte("<profiles><profile mtime='1'>front.json</profile><profile mtime='1'>base.json</profile>" +
							"<profile mtime='1'>web.json</profile><profile mtime='1'>batch.json</profile></profiles>"))
					default:
						files.ServeHTTP(out, r)
					}
				}))
				t.Cleanup(s.Close)
				w.o.Watch.Index, w.o.Watch.Profiles = s.URL+"/index.xml", s.URL+"/"
				_, err := chain.AskForDependants(t.Context(), w.o, "sl7x-x86_64 base")
				hit = count.Load() >= n
				if hit != (err != nil) {
					t.Errorf("request %d of %d fails: %v", n, count.Load(), err)
				}
				subjects := w.asked()
				if err != nil {
					if _, err := chain.AskForDependants(t.Context(), w.o, "sl7x-x86_64 base"); err != nil {
						t.Errorf("asking again after request %d: %v", n, err)
					}
					subjects = append(subjects, w.asked()...)
				}
				slices.Sort(subjects)
				if got := fmt.Sprint(slices.Compact(subjects)); got != "[sl7x-x86_64 batch sl7x-x86_64 web]" {
					t.Errorf("request %d fails: asked for %s", n, got)
				}
			}
		})
	}
}
