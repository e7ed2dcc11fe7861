package promote_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// rolledBack plans a rollback and carries it out.
func rolledBack(t *testing.T, n *name, o promote.Options) (promote.Result, error) {
	t.Helper()
	o.Name = n.name
	plan, err := promote.NewRollback(t.Context(), n.site(), n.owner.project, o)
	if err != nil {
		return promote.Result{}, err
	}
	return promote.Apply(t.Context(), n.site(), plan, report.Discard)
}

func TestRollbackGivesTheNameBackWithItsMembers(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	mustPromote(t, n.site(), n.options())
	v := &watched{}
	for _, current := range []string{n.old, n.fresh, n.old} { // back and forth
		v.during(n, func() {
			if r, err := rolledBack(t, n, promote.Options{}); err != nil || r.ImageID != current || !r.Changed {
				t.Fatalf("%+v, %v, want %s", r, err, current)
			}
		})
		v.report(t)
		n.check(t, current)
	}
	n.archived(t, n.fresh)
}

func TestRollbackToAnyImageOfTheHistory(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	mustPromote(t, n.site(), n.options())
	third := n.image(n.name+" build 2", nil)
	mustPromote(t, n.site(), promote.Options{ImageID: third, Name: n.name})
	if _, err := rolledBack(t, n, promote.Options{ImageID: n.old}); err != nil {
		t.Fatal(err)
	}
	n.check(t, n.old)
	n.archived(t, third)
	n.archived(t, n.fresh)
}

func TestRollbackWithoutACurrentImage(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	mustPromote(t, n.site(), n.options())
	o := n.options()
	o.ImageID = n.image(n.name+" build 2", nil)
	mustPromote(t, n.site(), o)
	if err := n.owner.Delete(t.Context(), o.ImageID); err != nil {
		t.Fatal(err)
	}
	if r, err := rolledBack(t, n, promote.Options{}); err != nil || r.ImageID != n.fresh {
		t.Errorf("%+v, %v", r, err)
	}
}

// A name is text, whatever it looks like: the archive's template reads nothing of it as a template.
func TestNameIsOnlyText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	current := func(n *name, id string) {
		if img := n.watcher.image(t, id); img.Name != n.name {
			t.Errorf("the current image of %q is called %q", n.name, img.Name)
		}
	}
	for _, text := range []string{
		`{{ .ID }} {{ printf "%d" 1 }}`, "${env.HOME} %{ if true }", "in:a,b", `"quoted" 'name'`,
		"back\\slash %s",
	} {
		n := w.newName(text)
		r := mustPromote(t, n.site(), n.options())
		current(n, n.fresh)
		n.archived(t, n.old)
		if want := n.watcher.image(t, n.old).Name; r.Archived[n.old] != want {
			t.Errorf("the result says that the old image is called %q, and it is %q", r.Archived[n.old], want)
		}
		if _, err := rolledBack(t, n, promote.Options{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		current(n, n.old)
	}
}

func TestRollbackReactivates(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	o := n.options()
	o.OldAction = promote.Deactivate
	mustPromote(t, n.site(), o)
	if r, err := rolledBack(t, n, promote.Options{OldAction: promote.Deactivate}); err != nil || r.ImageID != n.old {
		t.Fatalf("%+v, %v", r, err)
	}
	n.check(t, n.old)
	for id, want := range map[string]string{n.old: glance.StatusActive, n.fresh: glance.StatusDeactivated} {
		if got := n.watcher.image(t, id).Status; got != want {
			t.Errorf("image %s is %s, want %s", id, got, want)
		}
	}
}

// A rollback whose every write fails in turn leaves the deactivated image as it was.
func TestFailedRollbackTakesEverythingBack(t *testing.T) {
	t.Parallel()
	w := newSandbox(t)
	undone := 0
	for nth := 1; ; nth++ {
		n := w.newName(fmt.Sprint("web ", nth))
		o := n.options()
		o.OldAction = promote.Deactivate
		mustPromote(t, n.site(), o)
		before := n.state(t) + n.watcher.image(t, n.old).Status
		w.sandbox.Faults().Add(sandbox.Rule{
			Match: n.step, Method: "POST|PUT|PATCH", Nth: nth, Fault: sandbox.Status(http.StatusRequestEntityTooLarge),
		})
		_, err := rolledBack(t, n, promote.Options{})
		w.sandbox.Faults().Clear()
		if fault.Is(err, fault.Partial) {
			break // the old image is live again
		}
		if after := n.state(t) + n.watcher.image(t, n.old).Status; err == nil || after != before {
			t.Fatalf("write %d failed, and the run says %v\nbefore: %s\nafter:  %s", nth, err, before, after)
		}
		undone++
	}
	if want := 8; undone != want { // claim, staging, reactivation, two members, one acceptance, swap, archiving
		t.Errorf("%d writes could be undone, want %d", undone, want)
	}
}

func TestRollbackRefused(t *testing.T) {
	t.Parallel()
	n := newSandbox(t).newName("web-base")
	for _, tt := range []struct {
		name, want string
		o          promote.Options
	}{
		{"nothing before", "has no predecessor", promote.Options{}},
		{"an image of another name", "never was current", promote.Options{ImageID: n.fresh}},
	} {
		if _, err := rolledBack(t, n, tt.o); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	_, err := promote.NewRollback(t.Context(), n.site(), n.owner.project, promote.Options{Name: "nobody's"})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown name: %v", err)
	}
	n.sandbox.Faults().Add(sandbox.Rule{Match: n.step, Method: "POST|PUT|PATCH", From: 3, Fault: sandbox.Status(http.StatusForbidden)})
	_, _ = promoted(t, n.site(), n.options())
	n.sandbox.Faults().Clear()
	if _, err := rolledBack(t, n, promote.Options{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("with an unfinished promotion: %v", err)
	}
}

// Whatever a dead run left is settled by a resume: all of it is done, or nothing. Status and
// history tell it before and after.
func TestResumeSettlesWhatADeadRunLeft(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: promotes many times")
	}
	w := newSandbox(t)
	total, settled := w.requests(), map[string]int{}
	for nth := 1; nth <= total; nth++ {
		n := w.newName(fmt.Sprint("web ", nth))
		before := n.state(t)
		w.sandbox.Faults().Add(sandbox.Rule{
			Match: concerns, Method: "GET|POST|PUT|PATCH", From: nth, Fault: sandbox.Status(http.StatusForbidden),
		})
		_, first := promoted(t, n.site(), n.options())
		w.sandbox.Faults().Clear()

		statuses, err := promote.Statuses(t.Context(), n.site(), n.owner.project, "")
		if err != nil {
			t.Fatal(err)
		}
		plan, err := promote.NewResume(t.Context(), n.site(), n.owner.project, n.name)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		for _, s := range statuses {
			if s.Name == n.name && len(s.Unfinished) > 0 {
				want = s.Unfinished[0].Settled
			}
		}
		if (want == "") != plan.Done() || len(plan.Changes()) != len(plan.Unfinished) {
			t.Fatalf("request %d: status says %q and the plan %v", nth, want, plan.Changes())
		}
		if err := promote.Resume(t.Context(), n.site(), plan, time.Minute, report.Discard); err != nil {
			t.Fatalf("request %d, which said %v: %v", nth, first, err)
		}
		settled[want]++
		switch want {
		case promote.Finished:
			n.check(t, n.fresh)
			n.archived(t, n.old)
		case promote.TakenBack:
			if after := n.state(t); after != before {
				t.Fatalf("request %d\nbefore: %s\nafter:  %s", nth, before, after)
			}
		}
		if statuses, err := promote.Statuses(t.Context(), n.site(), n.owner.project, ""); err != nil || len(statuses) != 0 {
			t.Fatalf("request %d: after the resume status says %+v, %v", nth, statuses, err)
		}
	}
	if settled[promote.Finished] == 0 || settled[promote.TakenBack] == 0 {
		t.Errorf("settled %v, want both ways", settled)
	}
}

// A journal that can't be read, as of somebody who wrote the property by hand, hides no other promotion
// and keeps none from being settled.
func TestUnreadableJournalStopsNothingElse(t *testing.T) {
	t.Parallel()
	w := newSandbox(t)
	n, next := w.newName("web-base"), w.newName("next")
	before := n.state(t)
	for _, rule := range []sandbox.Rule{
		{Method: "POST", Path: "/image/v2/images/*/members", From: 1},
		{Method: "PATCH", Path: "/image/v2/images/" + n.fresh, From: 2},
	} {
		rule.Match, rule.Fault = concerns, sandbox.Status(http.StatusForbidden)
		w.sandbox.Faults().Add(rule)
	}
	if _, err := promoted(t, n.site(), n.options()); !fault.Is(err, fault.Partial) {
		t.Fatal(err)
	}
	w.sandbox.Faults().Clear()
	bad := n.image("by hand", map[string]any{"imgctl_promotion": "{", "imgctl_promoting": n.name})

	statuses, err := promote.Statuses(t.Context(), n.site(), n.owner.project, "")
	if err != nil || len(statuses) != 1 || len(statuses[0].Unfinished) != 2 {
		t.Errorf("status is %+v, %v", statuses, err)
	}
	mustPromote(t, next.site(), next.options())
	resume, err := promote.NewResume(t.Context(), n.site(), n.owner.project, n.name)
	if err != nil || len(resume.Unfinished) != 2 {
		t.Fatalf("%+v, %v", resume, err)
	}
	err = promote.Resume(t.Context(), n.site(), resume, time.Minute, report.Discard)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), bad) || !strings.Contains(err.Error(), "remove its properties") {
		t.Errorf("resumed with a journal that can't be read: %v", err)
	}
	if after := n.state(t); after != before {
		t.Errorf("the other promotion wasn't settled\nbefore: %s\nafter:  %s", before, after)
	}
}

func TestStatusOfAName(t *testing.T) {
	t.Parallel()
	n := newSandbox(t).newName("web-base")
	n.newName("other")
	var during []promote.Status
	look := func(*http.Request) {
		var err error
		if during, err = promote.Statuses(t.Context(), n.site(), n.owner.project, n.name); err != nil {
			t.Error(err)
		}
	}
	n.sandbox.Faults().Add(sandbox.Rule{Match: concerns, Method: "PUT", Nth: 1, Fault: sandbox.Fault{Do: sandbox.Observe, After: look}})
	mustPromote(t, n.site(), n.options())
	if len(during) != 1 || len(during[0].Claims) != 1 || !during[0].Claims[0].Alive || len(during[0].Unfinished) != 1 ||
		during[0].Unfinished[0].Image.ID != n.fresh || len(during[0].Current) != 1 || during[0].Current[0].ID != n.old {
		t.Errorf("while it is promoted: %+v", during)
	}
	after, err := promote.Statuses(t.Context(), n.site(), n.owner.project, n.name)
	if err != nil || len(after) != 1 || len(after[0].Claims)+len(after[0].Unfinished) > 0 ||
		len(after[0].Current) != 1 || after[0].Current[0].ID != n.fresh {
		t.Errorf("when it is promoted: %+v, %v", after, err)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	mustPromote(t, n.site(), n.options())
	third := n.image(n.name+" build 2", nil)
	mustPromote(t, n.site(), promote.Options{ImageID: third, Name: n.name})
	history, err := promote.NewHistory(t.Context(), n.site(), n.owner.project, n.name)
	if err != nil || len(history) != 3 {
		t.Fatalf("%+v, %v", history, err)
	}
	for k, want := range []promote.Entry{{Current: true, Generation: 2}, {Generation: 1, Successor: third}, {Successor: n.fresh}} {
		e := history[k]
		if e.Image.ID != []string{third, n.fresh, n.old}[k] || e.Current != want.Current ||
			e.Generation != want.Generation || e.Successor != want.Successor ||
			e.Archived.IsZero() != want.Current || e.Promoted.IsZero() != (want.Generation == 0) {
			t.Errorf("entry %d is %+v", k, e)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	n.image("twice", nil)
	n.image("twice", nil)
	for _, tt := range []struct {
		image, want string
		kind        fault.Kind
	}{
		{n.old, n.old, 0}, {n.name, n.old, 0}, {"nobody's", "", fault.NotFound}, {"twice", "", fault.Ambiguous},
	} {
		got, err := promote.Find(t.Context(), n.site(), n.owner.project, tt.image)
		if got != tt.want || err != nil && fault.KindOf(err) != tt.kind {
			t.Errorf("%q is %q, %v", tt.image, got, err)
		}
	}
}

// Messages refer to options, which each door writes as its user does.
func TestMessagesReferToOptions(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	site := n.site()
	site.Acceptors = nil
	_, err := promoted(t, site, n.options())
	all := append(promote.Options{ArchiveName: "x", Name: strings.Repeat("n", 300)}.Validate(), err)
	message, advice := fault.Spell(errors.Join(all...), report.PackerWords)
	for _, want := range []string{"archive_name: ", "image_name: "} {
		if !strings.Contains(message, want) {
			t.Errorf("%q isn't in %s", want, message)
		}
	}
	for _, want := range []string{"accept_with", `members = "none"`} {
		if !strings.Contains(advice, want) {
			t.Errorf("%q isn't in %s", want, advice)
		}
	}
}

func TestGateRunsWhereTheUserIs(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	dir := t.TempDir()
	o := n.options()
	o.Gate, o.GateDir, o.GateEnv = []string{"/bin/sh", "-c", `echo "$IMAGE_ID $IMAGE_NAME $SEEN $HOME" > seen`}, dir, []string{"SEEN=yes"}
	mustPromote(t, n.site(), o)
	if got, err := os.ReadFile(filepath.Join(dir, "seen")); err != nil || string(got) != n.fresh+" "+n.name+" yes \n" {
		t.Errorf("%q, %v", got, err)
	}
}

// A name whose images can't be read doesn't keep the others from being settled.
func TestSettlingGoesOnWithoutNamesThatFail(t *testing.T) {
	t.Parallel()
	w := newSandbox(t)
	n := w.newName("web")
	w.sandbox.Faults().Add(sandbox.Rule{
		Match: concerns, Method: "GET|POST|PUT|PATCH", From: w.requests() * 2 / 3, Fault: sandbox.Status(http.StatusForbidden),
	})
	_, _ = promoted(t, n.site(), n.options())
	w.sandbox.Faults().Clear()
	w.sandbox.Faults().Add(sandbox.Rule{
		Match: func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "unreadable") },
		Fault: sandbox.Status(http.StatusForbidden),
	})
	plan, err := promote.NewSettling(t.Context(), n.site(), n.owner.project, []string{"unreadable", n.name}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Done() {
		t.Fatal("the test has left nothing to settle")
	}
	for what, err := range map[string]error{"the plan": plan.LeftOut(), "applying": plan.Apply(t.Context(), report.Discard)} {
		if !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), "403") {
			t.Errorf("%s says %v", what, err)
		}
	}
	if settled := fmt.Sprint(plan.Rows()); !strings.Contains(settled, n.fresh) {
		t.Errorf("it settled %s", settled)
	}
	_, err = promote.NewSettling(t.Context(), n.site(), n.owner.project, []string{"unreadable"}, time.Minute)
	if !fault.Is(err, fault.Forbidden) {
		t.Errorf("nothing but a name that fails: %v", err)
	}
}
