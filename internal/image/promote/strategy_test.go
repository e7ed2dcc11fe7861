package promote_test

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// newPointer is a name that is kept by pointer: NAME-01 was current, NAME-02 is.
func (w *world) newPointer(text string) *name {
	w.t.Helper()
	n := w.newName(text)
	for _, id := range []string{n.old, n.fresh} {
		own := map[string]string{n.old: n.name + "-01", n.fresh: n.name + "-02"}[id]
		if _, err := w.owner.Update(w.t.Context(), id, glance.Patch{}.Name(own)); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, id := range []string{n.old, n.fresh} {
		mustPromote(w.t, n.site(), promote.Options{ImageID: id, Name: n.name, Strategy: promote.Pointer})
	}
	return n
}

// pointed fails the test unless exactly one image is current under the name, and none has a new name.
func (n *name) pointed(t *testing.T, current string) {
	t.Helper()
	for id, own := range map[string]string{n.old: n.name + "-01", n.fresh: n.name + "-02"} {
		img := n.watcher.image(t, id)
		if img.Name != own {
			t.Errorf("image %s was called %q", img, own)
		}
		if is := img.Properties[promote.CurrentKey] == n.name; is != (id == current) {
			t.Errorf("image %s is current: %t, want %t", img, is, id == current)
		}
	}
	statuses, err := promote.Statuses(t.Context(), n.site(), n.owner.project, n.name)
	if err != nil || len(statuses[0].Current) != 1 || statuses[0].Current[0].ID != current {
		t.Errorf("status is %+v, %v, want image %s", statuses, err, current)
	}
	history, err := promote.NewHistory(t.Context(), n.site(), n.owner.project, n.name)
	if err != nil || !history[0].Current || history[0].Image.ID != current || len(history) > 1 && history[1].Current {
		t.Errorf("history is %+v, %v, want image %s first", history, err, current)
	}
}

// How a name is kept is read from its images: nobody has to say it again.
func TestRollbackOfAPointerNeedsNoOption(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newPointer("family")
	for _, want := range []string{n.old, n.fresh, n.old} {
		r, err := rolledBack(t, n, promote.Options{})
		if err != nil || r.ImageID != want {
			t.Fatalf("%+v, %v, want image %s", r, err, want)
		}
		for id, archived := range r.Archived {
			if img := n.watcher.image(t, id); img.Name != archived {
				t.Errorf("the result says that image %s is called %q", img, archived)
			}
		}
		n.pointed(t, want)
	}
	if got := n.watcher.members(t, n.old)[n.a.project]; got != glance.Accepted {
		t.Errorf("member a is %q on the current image", got)
	}
}

// The strategy is known from the archived images where the current one was deleted.
func TestRollbackOfAPointerWithoutACurrentImage(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newPointer("family")
	if err := n.owner.Delete(t.Context(), n.fresh); err != nil {
		t.Fatal(err)
	}
	if _, err := rolledBack(t, n, promote.Options{}); err != nil {
		t.Fatal(err)
	}
	if img := n.watcher.image(t, n.old); img.Name != n.name+"-01" || img.Properties[promote.CurrentKey] != n.name {
		t.Errorf("image %s has %v", img, img.Properties)
	}
}

// An image that is current by pointer is promoted under that name, whatever it is called.
func TestPointerImageIsPromotedUnderItsName(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newPointer("family")
	r := mustPromote(t, n.site(), promote.Options{ImageID: n.fresh})
	if r.Changed || r.Name != n.name {
		t.Errorf("%+v", r)
	}
	n.pointed(t, n.fresh)
}

func TestContradictingStrategyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byName, byPointer := w.newName("by name"), w.newPointer("by pointer")
	mustPromote(t, byName.site(), byName.options())
	for asked, n := range map[string]*name{promote.Pointer: byName, promote.Rename: byPointer} {
		other := w.image(n.name+" other", nil)
		w.forget()
		for what, plan := range map[string]func() error{
			"run": func() error {
				_, err := promote.NewPlan(t.Context(), n.site(), promote.Options{ImageID: other, Name: n.name, Strategy: asked})
				return err
			},
			"rollback": func() error {
				_, err := promote.NewRollback(t.Context(), n.site(), n.owner.project, promote.Options{Name: n.name, Strategy: asked})
				return err
			},
		} {
			if err := plan(); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "is kept by") {
				t.Errorf("%s with %s: %v", what, asked, err)
			}
		}
		if _, err := promoted(t, n.site(), promote.Options{ImageID: other, Name: n.name}); err != nil {
			t.Errorf("without an option: %v", err)
		}
	}
}

// A name with two current images, one of each kind, is fixed by saying which kind is right.
func TestNameThatIsKeptInBothWaysIsMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, strategy := range []string{promote.Rename, promote.Pointer} {
		n := w.newName("both " + strategy)
		mustPromote(t, n.site(), n.options()) // by its name
		second := w.image(n.name+"-02", map[string]any{promote.CurrentKey: n.name, promote.PromotedKey: "2026-01-01T00:00:00Z"})
		third := w.image(n.name+"-03", nil)
		o := promote.Options{ImageID: third, Name: n.name}
		if _, err := promoted(t, n.site(), o); !fault.Is(err, fault.Ambiguous) {
			t.Fatalf("without an option: %v", err)
		}
		o.Strategy = strategy
		mustPromote(t, n.site(), o)
		statuses, err := promote.Statuses(t.Context(), n.site(), n.owner.project, n.name)
		if err != nil || len(statuses[0].Current) != 1 || statuses[0].Current[0].ID != third {
			t.Errorf("%s: status is %+v, %v", strategy, statuses, err)
		}
		for _, id := range []string{n.fresh, second} {
			if img := n.watcher.image(t, id); img.Properties[promote.ArchivedByKey] != third || img.Properties[promote.CurrentKey] != "" {
				t.Errorf("%s: image %s has %v", strategy, img, img.Properties)
			}
		}
		if img := n.watcher.image(t, second); img.Name != n.name+"-02" {
			t.Errorf("%s: the image that a pointer made current is called %q now", strategy, img.Name)
		}
		if img := n.watcher.image(t, n.fresh); (img.Name == n.name) != (strategy == promote.Pointer) {
			t.Errorf("%s: the image that its name made current is called %q now", strategy, img.Name)
		}
	}
}

// A project that was named counts for an image's id as well as for its name.
func TestOwnerCountsForIDs(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	site := promote.Site{Images: n.admin.Client, Project: n.admin.project, Admin: true, Run: "run"}
	o := n.options()
	o.Owner = n.other.project
	n.forget()
	if _, err := promote.NewPlan(t.Context(), site, o); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), n.owner.project) {
		t.Errorf("%v", err)
	}
	o.Owner = n.owner.project
	if _, err := promote.NewPlan(t.Context(), site, o); err != nil {
		t.Error(err)
	}
}

// Something empty, as of a variable that isn't set, is never everything.
func TestEmptyIsRefused(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	ctx, site, owner := t.Context(), n.site(), n.owner.project
	n.forget()
	for what, do := range map[string]func() error{
		"promote":  func() error { _, err := promote.NewPlan(ctx, site, promote.Options{Name: n.name}); return err },
		"find":     func() error { _, err := promote.Find(ctx, site, owner, ""); return err },
		"rollback": func() error { _, err := promote.NewRollback(ctx, site, owner, promote.Options{}); return err },
		"resume":   func() error { _, err := promote.NewResume(ctx, site, owner, ""); return err },
		"history":  func() error { _, err := promote.NewHistory(ctx, site, owner, ""); return err },
	} {
		if err := do(); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if sent := n.served(); len(sent) > 0 {
		t.Errorf("sent %v", sent)
	}
}
