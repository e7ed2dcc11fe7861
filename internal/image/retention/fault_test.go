package retention_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// each is a policy with all actions that a run may have to carry out.
const each = "version: 1\nname: each\nselect: {names: [\"web*\"]}\ngroup: [os]\nkeep: 1\nmin_age: 1d\nage: {from: created}\n" +
	"stages: {3mo: deprecate, 6mo: hide, 9mo: community, 11mo: private, 12mo: deactivate, 15mo: trash, 18mo: delete}\n" + missing + atOnce

// stages makes images that are due for each action of the policy, and web-98, which is in use.
func stages(t *testing.T) *world {
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	for _, months := range []int{4, 7, 10, 11, 13, 16} {
		w.old(fmt.Sprintf("web-%d", months), months)
	}
	w.old("web-99", 20, with(retention.StageKey, retention.Hide), with(retention.StageAtKey, "2020-01-01T00:00:00Z"))
	used := w.old("web-98", 20, with(retention.StageKey, retention.Hide), with(retention.StageAtKey, "2020-01-01T00:00:00Z"))
	must(w.AddServers(sandbox.Server{Name: "user", Project: "demo", Image: used, Status: "SHELVED_OFFLOADED"}))
	return w
}

// Whichever request fails, and however, the next run reaches the same end, and no image is left unusable that
// should not be.
func TestAnyRequestFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: makes the change many times")
	}
	w := stages(t)
	w.run(each)
	want := w.all()
	for _, f := range []sandbox.Fault{
		sandbox.StatusAfter(500), sandbox.Status(409), sandbox.Status(413),
		{Do: sandbox.Answer, Status: 429, RetryAfter: "0"},
		{Do: sandbox.DropAfter},
		{Do: sandbox.DropBefore},
		sandbox.Status(403),
	} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			for nth := 1; ; nth++ {
				w := stages(t)
				fired := false
				f.Before = func(*http.Request) { fired = true }
				w.Faults().Add(sandbox.Rule{Method: "PATCH|POST|DELETE", Path: "/image/v2/images/**", Nth: nth, Fault: f})
				p := w.plan(each)
				err := p.Apply(t.Context(), report.Discard)
				if !fired {
					if nth < 8 {
						t.Errorf("the change was made with %d requests", nth)
					}
					return
				}
				w.Faults().Clear()
				w.run(each)
				if got := w.all(); got != want {
					t.Fatalf("after the failure of request %d (%v), the next run makes\n%s\nwant\n%s", nth, err, got, want)
				}
			}
		})
	}
}

// A run that is cancelled leaves nothing half done that the next one can't finish.
func TestCancelled(t *testing.T) {
	t.Parallel()
	w := stages(t)
	w.run(each)
	want := w.all()
	for nth := 1; nth < 14; nth += 2 {
		w := stages(t)
		ctx, cancel := context.WithCancel(t.Context())
		w.Faults().Add(sandbox.Rule{Method: "PATCH|POST|DELETE", Path: "/image/v2/images/**", Nth: nth, Fault: sandbox.Fault{
			Do: sandbox.Observe, After: func(*http.Request) { cancel() },
		}})
		if err := w.plan(each).Apply(ctx, report.Discard); err == nil && nth < 8 {
			t.Errorf("cancelled at request %d, it succeeds", nth)
		}
		cancel()
		w.Faults().Clear()
		w.run(each)
		if got := w.all(); got != want {
			t.Fatalf("cancelled at request %d, the next run makes\n%s\nwant\n%s", nth, got, want)
		}
	}
}

// Over random clouds and policies: no image in use is deleted or taken away, none of the newest, none younger
// than the minimum age, none that no earlier run has marked; and a second run changes nothing.
func TestRandomCloudsAndPolicies(t *testing.T) {
	t.Parallel()
	seeds := 40
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 1)) // #nosec G404 -- a test
			randomRun(t, r)
		})
	}
}

func randomRun(t *testing.T, r *rand.Rand) {
	t.Helper()
	w := newWorld(t, sandbox.Options{})
	ids, used := randomImages(w, r)
	text, keep, minDays := randomPolicy(r)
	harmless := func(img *glance.Image) bool { return img.Status == "active" && img.Visibility != "private" }
	before := map[string]glance.Image{}
	for range 3 {
		for _, id := range ids {
			if img := w.image(id); img != nil {
				before[id] = *img
			} else {
				delete(before, id)
			}
		}
		w.run(text)
		for id, was := range before {
			img := w.image(id)
			lost := img == nil || harmless(&was) && !harmless(img)
			switch {
			case !lost:
			case used[id]:
				t.Fatalf("image %q was in use, and is %s\n%s", was.Name, w.is(id), text)
			case w.now.Sub(was.CreatedAt) < time.Duration(minDays)*24*time.Hour:
				t.Fatalf("image %q, made %s, is %s\n%s", was.Name, was.CreatedAt, w.is(id), text)
			case newer(before, was) < keep:
				t.Fatalf("image %q was one of the newest %d, and is %s\n%s", was.Name, keep, w.is(id), text)
			case img == nil && was.Properties[retention.StageKey] == "":
				t.Fatalf("image %q was deleted without a mark\n%s", was.Name, text)
			case was.Protected:
				t.Fatalf("image %q was protected, and is %s\n%s", was.Name, w.is(id), text)
			}
		}
	}
	last := w.all()
	w.run(text)
	w.run(text)
	sent := len(w.writes())
	w.run(text)
	if wrote := w.writes()[sent:]; len(wrote) > 0 {
		t.Errorf("the last run sends %q; before\n%s\nafter\n%s", wrote, last, w.all())
	}
}

// newer is how many active images of the group are newer than one.
func newer(all map[string]glance.Image, than glance.Image) (n int) {
	for _, i := range all {
		if i.Properties["os"] == than.Properties["os"] && i.Status == "active" && i.CreatedAt.After(than.CreatedAt) {
			n++
		}
	}
	return n
}

func randomImages(w *world, r *rand.Rand) (ids []string, used map[string]bool) {
	used = map[string]bool{}
	for n := range 4 + r.IntN(10) {
		id := w.old(fmt.Sprintf("web-%d", n%6), 0, with("os", fmt.Sprint(r.IntN(3))), func(i *sandbox.Image) {
			i.CreatedAt = w.now.Add(-time.Duration(r.IntN(900*24)) * time.Hour)
			i.Visibility = []string{"public", "private", "shared", "community"}[r.IntN(4)]
			i.Hidden, i.Protected = r.IntN(5) == 0, r.IntN(6) == 0
			if r.IntN(6) == 0 {
				i.Data = nil
			}
			if r.IntN(8) == 0 {
				i.Properties["imgctl_archived_at"] = w.now.Add(-time.Duration(r.IntN(900*24)) * time.Hour).Format(time.RFC3339)
			}
		})
		if r.IntN(4) == 0 {
			used[id] = true
			w.old("other", 1, with("kernel_id", id))
		}
		ids = append(ids, id)
	}
	return ids, used
}

func randomPolicy(r *rand.Rand) (text string, keep, minDays int) {
	keep, minDays = 1+r.IntN(3), r.IntN(400)
	var stages []string
	age := r.IntN(5)
	for _, action := range retention.Actions {
		if r.IntN(2) == 0 || action == retention.Delete {
			stages = append(stages, fmt.Sprintf("%dmo: %s", age, action))
			age += 1 + r.IntN(4)
		}
	}
	from := []string{"{from: created}", "{from: superseded}", "{from: property, property: built, otherwise: superseded}"}[r.IntN(3)]
	return fmt.Sprintf("version: 1\nname: random\nselect: {names: [\"web*\"]}\ngroup: [os]\nkeep: %d\nmin_age: %dd\nage: %s\nstages: {%s}\n%s%s",
		keep, minDays, from, strings.Join(stages, ", "), missing, atOnce), keep, minDays
}
