package retention_test

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func apply(t *testing.T, p change.Plan, err error) {
	t.Helper()
	if err == nil {
		err = p.Apply(t.Context(), report.Discard)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever the stage, an image comes back as it was, and stays.
func TestRestore(t *testing.T) {
	t.Parallel()
	for _, action := range []string{retention.Deprecate, retention.Hide, retention.Private, retention.Deactivate, retention.Trash} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{})
			w.old("web", 0)
			id := w.old("web-1", 13, with("os_distro", "debian"), func(i *sandbox.Image) {
				i.Visibility, i.Members, i.Tags = "shared", map[string]string{"member-a": "accepted", "member-b": "pending"}, []string{"ci"}
			})
			before, members := *w.image(id), w.Members(id)
			w.run(strings.Replace(months, "hide", action, 1))
			if w.is(id) == "active shared" {
				t.Fatal("nothing has happened to it")
			}
			if action == retention.Private { // somebody who cleans up
				must(w.site.Images.Update(t.Context(), id, glance.Patch{}.Visibility(glance.Shared)))
				if err := w.site.Images.RemoveMember(t.Context(), id, w.ProjectID("member-a")); err != nil {
					t.Fatal(err)
				}
			}
			staged := must(retention.Status(t.Context(), w.site, ""))
			if len(staged) != 1 || staged[0].Stage != action || staged[0].Policy != "months" || staged[0].At.IsZero() {
				t.Errorf("status is %+v", staged)
			}
			p, err := retention.PlanRestore(t.Context(), w.site, []string{"web-1"}, false)
			apply(t, p, err)
			w.want(id, "active shared")
			after := w.image(id)
			if after.Properties[retention.KeepKey] != "true" {
				t.Error("the next run would do it again")
			}
			delete(after.Properties, retention.KeepKey)
			if len(after.Properties) != len(before.Properties) || after.Properties["os_distro"] != "debian" || after.Tags[0] != "ci" {
				t.Errorf("its properties are %v, want %v", after.Properties, before.Properties)
			}
			for project, status := range members {
				if w.Members(id)[project] != status {
					t.Errorf("members are %v, want %v", w.Members(id), members)
				}
			}
			if p := w.plan(strings.Replace(months, "hide", action, 1)); !p.Done() {
				t.Errorf("%v", p.Rows())
			}
			again, err := retention.PlanRestore(t.Context(), w.site, []string{id}, false)
			if err != nil || !again.Done() {
				t.Errorf("restored twice: %v, %v", again, err)
			}
		})
	}
}

func TestRestoreWantsImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	for text, kind := range map[string]fault.Kind{
		"": fault.Usage, "web": fault.NotFound, "5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4": fault.NotFound,
	} {
		if _, err := retention.PlanRestore(t.Context(), w.site, []string{text}, false); !fault.Is(err, kind) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Protection that somebody else put on an image is not ours to take off.
func TestProtect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	theirs := w.old("web", 13, func(i *sandbox.Image) { i.Protected = true })
	free, used := w.old("web-1", 13), w.old("web-2", 13)
	w.boot(used)
	p, err := retention.PlanProtect(t.Context(), w.site, []string{free}, false)
	apply(t, p, err)
	p, err = retention.PlanProtectUsed(t.Context(), w.site, policy(t, strings.Replace(months, "stacks, ", "", 1)))
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("with sources absent: %v, %v", p, err)
	}
	for id, want := range map[string]bool{theirs: true, free: true, used: false} {
		if got := w.image(id).Protected; got != want {
			t.Errorf("image %s is protected: %v", id, got)
		}
	}
	p, err = retention.PlanProtectUsed(t.Context(), w.site, policy(t, months))
	apply(t, p, err)
	for id, want := range map[string]bool{theirs: true, free: false, used: true} {
		if got := w.image(id).Protected; got != want {
			t.Errorf("image %s is protected: %v, once by its use", id, got)
		}
	}
	p, err = retention.PlanProtect(t.Context(), w.site, []string{theirs, free, used}, true)
	apply(t, p, err)
	for id, want := range map[string]bool{theirs: true, free: false, used: false} {
		if img := w.image(id); img.Protected != want || img.Properties[retention.ProtectedKey] != "" {
			t.Errorf("image %s is protected: %v, %v", id, img.Protected, img.Properties)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	current := w.old("web", 0)
	second := w.old("web-2", 13, with(retention.ReplacedByKey, current))
	first := w.old("web-1", 14, with("imgctl_archived_by", second))
	pointed := w.old("db-7", 1, with("imgctl_current", "db"))
	gone := w.old("gone", 1, with(retention.ReplacedByKey, "5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4"))
	loop := w.old("loop", 1)
	must(w.site.Images.Update(t.Context(), loop, glance.Patch{}.Set(retention.ReplacedByKey, loop)))
	w.old("twice", 1)
	w.old("twice", 2)
	w.old("dup", 1, with(retention.StageKey, retention.Hide), with(retention.ReplacedByKey, first))
	live := w.old("dup", 2)
	for _, c := range []struct {
		image, want string
		kind        fault.Kind
	}{
		{"web", current, 0},
		{first, current, 0},
		{"web-1", current, 0},
		{"db", pointed, 0},
		{"dup", live, 0},
		{"twice", "", fault.Ambiguous},
		{"none", "", fault.NotFound},
		{gone, "", fault.NotFound},
		{loop, "", fault.Conflict},
		{"", "", fault.Usage},
	} {
		img, _, err := retention.Resolve(t.Context(), w.site, c.image)
		switch {
		case c.want == "" && !fault.Is(err, c.kind):
			t.Errorf("%s: %v, want kind %s", c.image, err, c.kind)
		case c.want != "" && (err != nil || img.ID != c.want):
			t.Errorf("%s: %v, %v, want %s", c.image, img, err, c.want)
		}
	}
}
