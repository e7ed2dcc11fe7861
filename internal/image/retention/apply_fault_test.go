package retention_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// whole signs in, plans and applies, as a command does.
func (w *world) whole(text string) error {
	w.t.Helper()
	c, err := cloudtest.Open(w.t.Context(), w.CloudsYAML(), "admin")
	if err != nil {
		return err
	}
	defer c.Close()
	site, err := retention.NewSite(c, retention.UsersOf([]*cloud.Cloud{c}, usage.Options{}))
	if err != nil {
		return err
	}
	p, err := retention.NewPlan(w.t.Context(), site, policy(w.t, text))
	if err != nil {
		return err
	}
	return p.Apply(w.t.Context(), report.Discard)
}

// stagesNow are the stages and statuses of images by their names. Where a run didn't get to know who uses images, it does something
// milder than what is due, whose traces stay.
func (w *world) stagesNow(ids map[string]string) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		id := ids[name]
		if img := w.image(id); img == nil {
			all = append(all, name+" gone")
		} else {
			all = append(all, fmt.Sprint(name, " ", img.Status, " ", retention.StageOf(img), " ", img.Properties["imgctl_releasing"]))
		}
	}
	return all
}

// ids are the ids of the world's images by their names.
func (w *world) ids() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, e := range w.plan(each).Images {
		all[e.Name] = e.ID
	}
	return all
}

// Whichever request fails, those of sign-in and all reads included, and however: no image in use is taken away, and
// the next run gets to the same end.
func TestAnyRequestOfARunFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: makes the run many times")
	}
	w := stages(t)
	ids := w.ids()
	if err := w.whole(each); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(w.stagesNow(ids))
	for _, f := range []sandbox.Fault{
		sandbox.StatusAfter(500), sandbox.Status(403), sandbox.Status(401), sandbox.Status(404), {Do: sandbox.DropAfter},
	} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			for nth := 1; ; nth++ {
				w := stages(t)
				ids := w.ids()
				fired := false
				f.Before = func(*http.Request) { fired = true }
				w.Faults().Add(sandbox.Rule{Nth: nth, Fault: f})
				err := w.whole(each)
				w.Faults().Clear()
				w.keepsUsed(ids, fmt.Sprintf("the failure of request %d (%v)", nth, err))
				if again := w.whole(each); again != nil {
					t.Fatalf("after the failure of request %d (%v), the next run fails: %v", nth, err, again)
				}
				if got := fmt.Sprint(w.stagesNow(ids)); got != want {
					t.Fatalf("after the failure of request %d (%v), the next run makes\n%s\nwant\n%s", nth, err, got, want)
				}
				if !fired {
					if err != nil || nth < 30 {
						t.Errorf("without a failure, with %d requests: %v", nth, err)
					}
					return
				}
			}
		})
	}
}

// As long as a service refuses or fails, in whatever request, no image in use is taken away. Once it answers, the next
// run gets to the same end.
func TestWhateverRequestKeepsFailing(t *testing.T) {
	t.Parallel()
	w := stages(t)
	ids := w.ids()
	w.ResetRequests()
	if err := w.whole(each); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(w.stagesNow(ids))
	paths := map[string]bool{}
	for _, r := range w.Requests() {
		if r.Method == http.MethodGet && !strings.HasPrefix(r.Path, "/image/v2/images/") {
			paths[r.Path] = true
		}
	}
	if !paths["/compute/v2.1/servers/detail"] {
		t.Fatalf("the run asks %v", paths)
	}
	for path := range paths {
		for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusBadRequest} {
			t.Run(fmt.Sprint(path, " ", status), func(t *testing.T) {
				t.Parallel()
				w := stages(t)
				ids := w.ids()
				end := path[strings.LastIndex(path, "/"):] // projects' ids differ
				w.Faults().Add(sandbox.Rule{Method: http.MethodGet, Path: "/**" + end, Fault: sandbox.Status(status)})
				err := w.whole(each)
				w.Faults().Clear()
				w.keepsUsed(ids, err)
				if err := w.whole(each); err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprint(w.stagesNow(ids)); got != want {
					t.Errorf("after %v, the next run makes\n%s\nwant\n%s", err, got, want)
				}
			})
		}
	}
}

// keepsUsed fails the test if a run took away the image in use.
func (w *world) keepsUsed(ids map[string]string, why any) {
	w.t.Helper()
	if is := w.is(ids["web-98"]); is != "active public stage hide" && is != "active community stage community" {
		w.t.Fatalf("after %v, the image in use is %s", why, is)
	}
}
