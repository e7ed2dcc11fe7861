package retention_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// trashed makes an image with members that was in the trash, and lost a member there.
func trashed(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t, sandbox.Options{})
	id := w.old("web-1", 13, func(i *sandbox.Image) {
		i.Visibility, i.Members, i.Hidden = "private", map[string]string{"member-b": "pending"}, true
		i.Properties[retention.StageKey], i.Properties[retention.StageAtKey] = retention.Trash, "2020-01-01T00:00:00Z"
	})
	before := fmt.Sprintf(`{"visibility": "shared", "hidden": false, "status": "active", "members": {%q: "accepted", %q: "pending"}}`,
		w.ProjectID("member-a"), w.ProjectID("member-b"))
	must(w.site.Images.Update(t.Context(), id, glance.Patch{}.Set(retention.BeforeKey, before)))
	if err := w.site.Images.Deactivate(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return w, id
}

// changed signs in, plans and applies, as a command does.
func (w *world) changed(plan func(retention.Site) (*retention.Changes, error)) error {
	w.t.Helper()
	c, err := cloudtest.Open(w.t.Context(), w.CloudsYAML(), "admin")
	if err != nil {
		return err
	}
	defer c.Close()
	site, err := retention.NewSite(c, nil)
	if err != nil {
		return err
	}
	p, err := plan(site)
	if err != nil {
		return err
	}
	return p.Apply(w.t.Context(), report.Discard)
}

// Whichever request fails, reads and sign-in included, and however, the next run reaches the same end.
func TestAnyRequestOfAChangeFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: makes the changes many times")
	}
	for name, c := range map[string]struct {
		plan func(*world, string) func(retention.Site) (*retention.Changes, error)
		want func(*world, string) string
		end  string
	}{
		"restore": {
			func(w *world, id string) func(retention.Site) (*retention.Changes, error) {
				return func(s retention.Site) (*retention.Changes, error) {
					return retention.PlanRestore(w.t.Context(), s, []string{id}, false)
				}
			},
			func(w *world, id string) string {
				m, img := w.Members(id), w.image(id)
				return fmt.Sprint(w.is(id), " ", m[w.ProjectID("member-a")], " ", m[w.ProjectID("member-b")], " ",
					img.Properties[retention.KeepKey], img.Properties[retention.BeforeKey])
			},
			"active shared accepted pending true",
		},
		"protect": {
			func(w *world, id string) func(retention.Site) (*retention.Changes, error) {
				return func(s retention.Site) (*retention.Changes, error) {
					return retention.PlanProtect(w.t.Context(), s, []string{id}, false)
				}
			},
			func(w *world, id string) string {
				img := w.image(id)
				return fmt.Sprint(img.Protected, " ", img.Properties[retention.ProtectedKey])
			},
			"true true",
		},
	} {
		for _, f := range []sandbox.Fault{
			sandbox.StatusAfter(500), sandbox.Status(500), sandbox.Status(409), sandbox.Status(403), sandbox.Status(401),
			{Do: sandbox.DropAfter},
		} {
			t.Run(name+" "+f.String(), func(t *testing.T) {
				t.Parallel()
				for nth := 1; ; nth++ {
					w, id := trashed(t)
					fired := false
					f.Before = func(*http.Request) { fired = true }
					w.Faults().Add(sandbox.Rule{Nth: nth, Fault: f})
					err := w.changed(c.plan(w, id))
					w.Faults().Clear()
					if again := w.changed(c.plan(w, id)); again != nil {
						t.Fatalf("after the failure of request %d (%v), the next run fails: %v", nth, err, again)
					}
					got := c.want(w, id)
					if f.Status == http.StatusForbidden { // then the member's project has to accept it again, as a warning says
						got = strings.Replace(got, "shared pending pending", "shared accepted pending", 1)
					}
					if got != c.end {
						t.Fatalf("after the failure of request %d (%v), the next run makes %q, want %q", nth, err, got, c.end)
					}
					if !fired {
						if err != nil || nth < 4 {
							t.Errorf("without a failure, with %d requests: %v", nth, err)
						}
						return
					}
				}
			})
		}
	}
}
