package share_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// lines are shares in short, with the projects' names in the test's words.
func (w *world) lines(o share.ListOptions) []string {
	w.t.Helper()
	var out []string
	w.writesNothing(func() {
		all, err := share.List(w.t.Context(), w.clouds, o)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, s := range all {
			who := "-"
			for _, name := range []string{"member-a", "member-b", "other"} {
				if s.ProjectID == w.project(name) {
					who = name
				}
			}
			out = append(out, fmt.Sprintf("%s %s %s", s.Image.Name, who, s.Status))
		}
	})
	return sorted(out...)
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	shared, private := w.image("shared", nil), w.image("private", nil)
	w.image("lonely", map[string]any{"visibility": "shared"})
	hidden := w.image("hidden", map[string]any{"os_hidden": true})
	w.member(shared, "member-a", glance.Accepted)
	w.member(shared, "member-b", glance.Rejected)
	w.member(hidden, "member-a", glance.Pending)
	w.member(private, "member-a", glance.Accepted)
	w.makePrivate(private)
	suspended := w.image("suspended", nil)
	w.member(suspended, "other", glance.Pending)
	p, err := share.PlanSuspend(t.Context(), w.clouds, share.SuspendOptions{Selection: images(suspended)})
	w.apply(p, err)
	for _, c := range []struct {
		name string
		o    share.ListOptions
		want []string
	}{
		{"all", share.ListOptions{}, []string{
			"hidden member-a pending", "shared member-a accepted", "shared member-b rejected", "suspended other dormant",
		}},
		{
			"one target",
			share.ListOptions{From: "demo", To: []string{"member-a"}},
			[]string{"hidden member-a pending", "shared member-a accepted"},
		},
		{"images", share.ListOptions{Selection: images("shared", "private", "lonely")}, []string{
			"lonely - none", "private - unknown", "shared member-a accepted", "shared member-b rejected",
		}},
		{"a filter", share.ListOptions{Selection: share.Selection{Glob: "*l*"}}, nil},
		{"a filter for what a target sees", share.ListOptions{
			To:        []string{"member-a"},
			Selection: share.Selection{Tags: []string{"nobody"}},
		}, nil},
		{"what a target sees", share.ListOptions{To: []string{"member-a", "member-b", "other"}}, []string{
			"hidden member-a pending", "shared member-a accepted", "shared member-b rejected",
		}},
		{
			"what a target sees of one image",
			share.ListOptions{To: []string{"member-b"}, Selection: images("shared")},
			[]string{"shared member-b rejected"},
		},
		{"what an admin's project is offered", share.ListOptions{To: []string{"admin"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, w.lines(c.o)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListTellsTimesAndNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	w.mustAdd(share.AddOptions{Selection: images(id), From: "demo", To: []string{"member-a"}, Tuning: share.Tuning{Expires: end}})
	for _, o := range []share.ListOptions{{From: "demo", Selection: images(id)}, {To: []string{"member-a"}, Selection: images(id)}} {
		all, err := share.List(t.Context(), w.clouds, o)
		if err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		if s := all[0]; s.CreatedAt.IsZero() || s.UpdatedAt.IsZero() || !s.Expires.Equal(end) || s.Image.ID != id {
			t.Errorf("share is %+v", s)
		}
	}
	_, err := share.List(t.Context(), w.clouds, share.ListOptions{From: "demo", Selection: images("nowhere")})
	wantKind(t, err, fault.NotFound, "nowhere")
}

// Who may ask Keystone sees which members are projects no more.
func TestListShowsGhosts(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.imageOf("admin", "web", map[string]any{"visibility": "shared"})
	for _, name := range []string{"member-a", "member-b", "other"} {
		if err := w.sandbox.SetMember(id, w.project(name), glance.Accepted); err != nil {
			t.Fatal(err)
		}
	}
	disable(t, w, "member-a", http.MethodPatch)
	disable(t, w, "member-b", http.MethodDelete)
	all, err := share.List(t.Context(), w.clouds, share.ListOptions{From: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range all {
		got[s.ProjectID] = s.Note
	}
	want := map[string]string{
		w.project("member-a"): "the project is disabled", w.project("member-b"): "the project does not exist", w.project("other"): "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Ghosts can be removed as any member can.
	p, err := share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{
		Selection: images(id), From: "admin",
		Projects: []string{w.project("member-b")},
	})
	w.apply(p, err)
	if left := w.sandbox.Members(id); len(left) != 2 {
		t.Errorf("members are %v", left)
	}
}

// An empty project costs two requests and a token.
func TestListOfAnEmptyProjectIsCheap(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	w.site("demo")
	w.forget()
	if all := w.lines(share.ListOptions{From: "demo"}); len(all) != 0 {
		t.Errorf("shares %q", all)
	}
	n := 0
	for _, r := range w.sandbox.Requests() {
		if r.Path != "/identity/v3/auth/tokens" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d requests: %+v", n, w.sandbox.Requests())
	}
}

// What somebody wrote into a property by hand is told, and hides no other image.
func TestListGoesOnWithNonsenseOnAnImage(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	bad := w.image("bad", map[string]any{share.ExpiresKey: "tomorrow"})
	w.member(bad, "member-a", glance.Accepted)
	worse := w.image("worse", map[string]any{share.SuspendedKey: "[]"})
	w.member(w.image("good", nil), "member-a", glance.Accepted)
	all, err := share.List(t.Context(), w.clouds, share.ListOptions{Selection: images("bad", "worse", "good")})
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, s := range all {
		if told := strings.Contains(s.Note, "reading property"); told != (s.Image.ID == bad || s.Image.ID == worse) {
			t.Errorf("image %s has the note %q", s.Image, s.Note)
		}
	}
	_, err = share.PlanAdd(t.Context(), w.clouds, share.AddOptions{Selection: images(bad), To: []string{"member-b"}})
	wantKind(t, err, fault.Conflict, share.ExpiresKey)
}
