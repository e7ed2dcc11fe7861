package share_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// counter keeps the furthest progress.
type counter struct{ done, total atomic.Int64 }

func (*counter) Step(string, ...any) {}
func (*counter) Warn(string, ...any) {}
func (c *counter) Progress(_ string, done, total int64) {
	c.done.Store(max(done, c.done.Load()))
	c.total.Store(total)
}

// makePrivate makes an image private behind our back, as the openstack client does.
func (w *world) makePrivate(id string) {
	w.t.Helper()
	if _, err := w.site("demo").Images.Update(w.t.Context(), id, glance.Patch{}.Visibility(glance.Private)); err != nil {
		w.t.Fatal(err)
	}
}

// disable asks Keystone, as its administrator, to disable (PATCH) or delete (DELETE) a project.
func disable(t *testing.T, w *world, name, method string) {
	t.Helper()
	token := w.adminToken()
	body := strings.NewReader(`{"project": {"enabled": false}}`)
	req, err := http.NewRequestWithContext(t.Context(), method, w.sandbox.URL()+"/identity/v3/projects/"+w.project(name), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("%s of project %q: %s", method, name, resp.Status)
	}
}

func (w *world) adminToken() string {
	w.t.Helper()
	body := fmt.Sprintf(`{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "admin", "domain": {"id": "default"}, "password": %q}}},
		"scope": {"project": {"name": "admin", "domain": {"id": "default"}}}}}`, w.sandbox.Password("admin"))
	resp, err := http.Post(w.sandbox.URL()+"/identity/v3/auth/tokens", "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("X-Subject-Token")
}

func TestAcceptRejectReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Pending)
	w.imageOf("member-a", "web", nil) // its own image of the name is not meant
	for _, status := range []string{glance.Accepted, glance.Rejected, glance.Pending} {
		for _, image := range []string{id, "web" + w.suffix} { // a pending or rejected image is in no default list
			p, err := share.PlanStatus(t.Context(), w.clouds, share.StatusOptions{
				Selection: images(image), To: []string{"member-a"},
				Status: status,
			})
			w.apply(p, err)
			w.expectMembers(id, map[string]string{"member-a": status})
		}
	}
}

// To an administrator the service lists what is shared with others, too.
func TestAdminAcceptsForItsOwnProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, own := w.image("web", nil), w.image("web", nil)
	w.member(other, "member-a", glance.Pending)
	w.member(own, "admin", glance.Pending)
	p, err := share.PlanStatus(t.Context(), w.clouds, share.StatusOptions{
		Selection: images("web" + w.suffix), To: []string{"admin"},
		Status: glance.Accepted,
	})
	w.apply(p, err)
	w.expectMembers(own, map[string]string{"admin": glance.Accepted})
	w.expectMembers(other, map[string]string{"member-a": glance.Pending})
}

func TestStatusRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Pending)
	own := w.imageOf("member-a", "own", nil)
	for _, c := range []struct {
		name, image, to string
		kind            fault.Kind
	}{
		{"not shared with it", id, "member-b", fault.NotFound},
		{"its own", own, "member-a", fault.Usage},
		{"a name of its own", "own" + w.suffix, "member-a", fault.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := share.PlanStatus(t.Context(), w.clouds, share.StatusOptions{
				Selection: images(c.image), To: []string{c.to},
				Status: glance.Accepted,
			})
			wantKind(t, err, c.kind)
		})
	}
	_, err := share.PlanStatus(t.Context(), w.clouds, share.StatusOptions{Selection: images(id), To: []string{"member-a"}, Status: "maybe"})
	wantKind(t, err, fault.Usage, "maybe")
}

// Rejecting doesn't revoke: the member still reads the image by its id. Suspending and removing do.
func TestWhatRevokes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Accepted)
	readable := func() bool {
		_, err := w.site("member-a").Images.Image(t.Context(), id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	p, err := share.PlanStatus(t.Context(), w.clouds, share.StatusOptions{
		Selection: images(id), To: []string{"member-a"},
		Status: glance.Rejected,
	})
	w.apply(p, err)
	if !readable() {
		t.Error("a rejected image can't be read by its id: docs and help say it can")
	}
	p, err = share.PlanSuspend(t.Context(), w.clouds, share.SuspendOptions{Selection: images(id), From: "demo"})
	w.apply(p, err)
	if readable() {
		t.Error("a suspended image can be read")
	}
	p, err = share.PlanResume(t.Context(), w.clouds, share.SuspendOptions{Selection: images(id), From: "demo"})
	w.apply(p, err)
	if !readable() {
		t.Error("a resumed image can't be read")
	}
	p, err = share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{Selection: images(id), From: "demo", To: []string{"member-a"}})
	w.apply(p, err)
	if readable() {
		t.Error("a removed member can read the image")
	}
}

func TestSuspendAndResumeKeepTheList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Accepted)
	w.member(id, "member-b", glance.Rejected)
	o := share.SuspendOptions{Selection: images(id), From: "demo"}
	p, err := share.PlanSuspend(t.Context(), w.clouds, o)
	w.apply(p, err)
	if v := w.get(id).Visibility; v != glance.Private {
		t.Errorf("it is %s", v)
	}
	if r := p.Lines()[0]; r.Before != glance.Shared || r.After != glance.Private || p.Lines()[1].After != share.Dormant {
		t.Errorf("the result is %+v", p.Lines())
	}
	w.writesNothing(func() { p, err = share.PlanSuspend(t.Context(), w.clouds, o); w.apply(p, err) })
	wantKind(t, w.add(share.AddOptions{Selection: images(id), From: "demo", To: []string{"other"}}), fault.Conflict, "suspended")
	_, err = share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{Selection: images(id), From: "demo", To: []string{"member-a"}})
	wantKind(t, err, fault.Conflict, "resume")

	p, err = share.PlanResume(t.Context(), w.clouds, o)
	w.apply(p, err)
	w.expectMembers(id, map[string]string{"member-a": glance.Accepted, "member-b": glance.Rejected})
	if _, left := w.get(id).Properties[share.SuspendedKey]; left {
		t.Error("the property is left")
	}
	w.writesNothing(func() { p, err = share.PlanResume(t.Context(), w.clouds, o); w.apply(p, err) })
}

// What the image kept counts, not what is written on it.
func TestResumeOfAnImageThatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Accepted)
	p, err := share.PlanSuspend(t.Context(), w.clouds, share.SuspendOptions{Selection: images(id), From: "demo"})
	w.apply(p, err)
	w.member(id, "member-b", glance.Accepted) // makes it shared
	if err := w.site("demo").Images.RemoveMember(t.Context(), id, w.project("member-a")); err != nil {
		t.Fatal(err)
	}
	w.makePrivate(id)
	p, err = share.PlanResume(t.Context(), w.clouds, share.SuspendOptions{Selection: images(id), From: "demo"})
	w.apply(p, err)
	w.expectMembers(id, map[string]string{"member-b": glance.Accepted})
	var who []string
	for _, r := range p.Lines() {
		who = append(who, r.ProjectID)
	}
	if strings.Join(who, " ") != " "+w.project("member-b") {
		t.Errorf("the result names %q", who)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.image("one", nil), w.image("two", nil)
	for _, id := range []string{first, second} {
		w.member(id, "member-a", glance.Accepted)
		w.member(id, "member-b", glance.Pending)
	}
	o := share.RemoveOptions{
		Selection: images(first, second), From: "demo", To: []string{"member-a"},
		Projects: []string{w.project("other")},
	}
	w.writesNothing(func() {
		p, err := share.PlanRemove(t.Context(), w.clouds, o)
		if err != nil {
			t.Fatal(err)
		}
		if rows := p.Lines(); len(rows) != 4 || !p.Takes() {
			t.Errorf("plan is %+v", rows)
		}
	})
	p, err := share.PlanRemove(t.Context(), w.clouds, o)
	w.apply(p, err)
	for _, id := range []string{first, second} {
		w.expectMembers(id, map[string]string{"member-b": glance.Pending})
		if v := w.get(id).Visibility; v != glance.Shared {
			t.Errorf("image is %s: removing a member is no reason to change that", v)
		}
	}
	w.writesNothing(func() { p, err := share.PlanRemove(t.Context(), w.clouds, o); w.apply(p, err) })
	_, err = share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{Selection: images(first), From: "demo"})
	wantKind(t, err, fault.Usage)
}

// A removal that stops half-way isn't rolled back, and the next one finishes it.
func TestRemoveGoesOn(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Accepted)
	w.member(id, "member-b", glance.Accepted)
	o := share.RemoveOptions{Selection: images(id), To: []string{"member-a", "member-b"}}
	w.sandbox.Faults().Add(sandbox.Rule{
		Method: "DELETE", Path: "**/members/" + w.project("member-a"),
		Fault: sandbox.Status(http.StatusForbidden),
	})
	p, err := share.PlanRemove(t.Context(), w.clouds, o)
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, share.Apply(t.Context(), p, report.Discard), fault.Partial, "1 change made, 1 left", w.project("member-a"))
	w.expectMembers(id, map[string]string{"member-a": glance.Accepted})
	w.sandbox.Faults().Clear()
	p, err = share.PlanRemove(t.Context(), w.clouds, o)
	w.apply(p, err)
	w.expectMembers(id, nil)
}
