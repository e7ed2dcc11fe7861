package launch_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// Two runs that launch a server at once: those of one machine wait for each other; those of two machines, which can't,
// say that there are two servers.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	text := cloudOf("demo", "images: [{name: disk, filename: disk.img, disk_format: raw}]\n"+
		"servers: [{name: node, image: disk, flavor: m1.tiny, network: private}]")
	for _, hold := range []bool{true, false} {
		w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
		w.launch(cloudOf("demo", "images: [{name: disk, filename: disk.img, disk_format: raw}]"), nil)
		w.file("layout.yml", text)
		path := filepath.Join(w.folder, "layout.yml")
		var arrived sync.WaitGroup
		arrived.Add(2)
		w.cloud.Faults().Add(sandbox.Rule{
			Method: http.MethodPost, Path: "/compute/**/servers", Count: 2, Fault: sandbox.Fault{
				Before: func(*http.Request) { // holds the first request until the second one is there, too
					arrived.Done()
					both := make(chan struct{})
					go func() { arrived.Wait(); close(both) }()
					select {
					case <-both:
					case <-time.After(map[bool]time.Duration{true: time.Second, false: time.Minute}[hold]):
					}
				},
			},
		})
		var errs [2]error
		var all sync.WaitGroup
		for n := range errs {
			all.Go(func() {
				if hold {
					release, err := launch.Hold(t.Context(), path, report.Discard)
					if err != nil {
						t.Error(err)
						return
					}
					defer release()
				}
				l, err := layout.ReadFile(path, layout.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				p, err := launch.NewPlan(t.Context(), launch.Options{Layout: l, Open: w.open})
				if err == nil {
					err = p.Apply(t.Context(), report.Discard)
				}
				errs[n] = err
			})
		}
		all.Wait()
		made := len(w.list("demo", "compute", "servers/detail", "servers"))
		switch {
		case hold && (made != 1 || errs[0] != nil || errs[1] != nil):
			t.Errorf("one after the other, %d servers are made: %v", made, errs)
		case !hold && made != 2:
			t.Errorf("at once, %d servers are made: the test shows nothing", made)
		}
		told := 0
		for _, err := range errs {
			if err != nil && strings.Contains(err.Error(), "another run has created it") {
				told++
			}
		}
		if !hold && told == 0 {
			t.Errorf("nobody says that there are two: %v", errs)
		}
	}
}
