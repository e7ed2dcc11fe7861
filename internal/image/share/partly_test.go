package share_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// withoutAway are the world's clouds, and "away", which can't be reached.
func (w *world) withoutAway() share.Clouds {
	return func(ctx context.Context, name string) (*share.Tenancy, error) {
		if name == "away" {
			return nil, fault.New(fault.Unavailable, "", "cloud %q: connection refused", name)
		}
		return w.clouds(ctx, name)
	}
}

// listed are shares in short.
func listed(all []share.Share) []string {
	var out []string
	for _, s := range all {
		out = append(out, fmt.Sprintf("%s %s %s", s.Image.Name, s.Cloud, s.Status))
	}
	return sorted(out...)
}

func TestListGoesOnWithoutCloudsThatFail(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	w.member(w.image("web", nil), "member-a", glance.Accepted)
	for _, from := range []string{"", "demo"} {
		all, err := share.List(t.Context(), w.withoutAway(), share.ListOptions{From: from, To: []string{"away", "member-a"}})
		wantKind(t, err, fault.Partial, "1 cloud not listed", "away", "refused")
		if diff := cmp.Diff([]string{"web member-a accepted"}, listed(all)); diff != "" {
			t.Errorf("from %q: %s", from, diff)
		}
		all, err = share.List(t.Context(), w.withoutAway(), share.ListOptions{From: from, To: []string{"away"}})
		wantKind(t, err, fault.Unavailable, "refused")
		if len(all) > 0 {
			t.Errorf("from %q: it lists %v", from, listed(all))
		}
	}
	w.sandbox.Faults().Add(sandbox.Rule{
		Match: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/members/"+w.project("member-a")) },
		Fault: sandbox.Status(http.StatusForbidden),
	})
	w.member(w.image("db", nil), "member-b", glance.Pending)
	all, err := share.List(t.Context(), w.clouds, share.ListOptions{To: []string{"member-a", "member-b"}})
	wantKind(t, err, fault.Partial, "1 image not listed", "member-a")
	if diff := cmp.Diff([]string{"db member-b pending"}, listed(all)); diff != "" {
		t.Error(diff)
	}
}

func TestListGoesOnWithoutImagesThatFail(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	good, bad := w.image("good", nil), w.image("bad", nil)
	w.member(good, "member-a", glance.Accepted)
	w.member(bad, "member-a", glance.Accepted)
	w.sandbox.Faults().Add(sandbox.Rule{
		Method: http.MethodGet, Path: "/image/v2/images/" + bad + "/members", Fault: sandbox.Status(http.StatusForbidden),
	})
	for what, o := range map[string]share.ListOptions{
		"all":            {From: "demo"},
		"by id":          {From: "demo", Selection: images(bad, good)},
		"one not there":  {From: "demo", Selection: images("nowhere", good)},
		"of one project": {From: "demo", To: []string{"member-a"}},
		"as a member":    {To: []string{"member-a"}, Selection: images("nowhere", good)},
	} {
		all, err := share.List(t.Context(), w.clouds, o)
		wantKind(t, err, fault.Partial, "not listed")
		if len(all) != 1 || all[0].Image.ID != good {
			t.Errorf("%s: it lists %v", what, listed(all))
		}
	}
	_, err := share.List(t.Context(), w.clouds, share.ListOptions{From: "demo", Selection: images(bad)})
	wantKind(t, err, fault.Forbidden, bad)
	_, err = share.List(t.Context(), w.clouds, share.ListOptions{From: "demo", Selection: images("nowhere")})
	wantKind(t, err, fault.NotFound, "nowhere")
}

// What a file asks for goes on without an image that can't be looked up, and a dry run says so as applying does.
func TestFileGoesOnWithoutImagesThatFail(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	good, bad := w.image("good", nil), w.image("bad", nil)
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		w.sandbox.Faults().Add(sandbox.Rule{
			Method: http.MethodGet, Path: "/image/v2/images/" + bad, Fault: sandbox.Status(status),
		})
		f := mustParse(t, fmt.Sprintf("version: 1\nshares:\n- images: [{id: %s}, {id: %s}]\n  to: [{cloud: member-a}]\n", bad, good))
		found, err := share.Drift(t.Context(), w.clouds, f, share.FileOptions{})
		if err != nil || !slices.ContainsFunc(found, func(d share.Difference) bool {
			return d.Kind == share.DriftFailed && d.Image == bad
		}) || !slices.ContainsFunc(found, func(d share.Difference) bool {
			return d.ImageID == good
		}) {
			t.Errorf("%d: drift %+v, %v", status, found, err)
		}
		p, err := share.PlanFile(t.Context(), w.clouds, f, share.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, p.LeftOut(), fault.Partial, "1 change not made", bad)
		w.told(fmt.Sprint(status), p, err, share.Unplanned, bad)
		w.expectMembers(good, map[string]string{"member-a": glance.Accepted})
		w.sandbox.Faults().Clear()
		w.apply(share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{Selection: images(good), To: []string{"member-a"}}))
	}
}

// told checks that a plan has a row of the state for the image or cloud, and that applying it does the rest and says so.
func (w *world) told(what string, p *share.Plan, err error, state, about string) {
	w.t.Helper()
	if err != nil {
		w.t.Errorf("%s: %v", what, err)
		return
	}
	if !slices.ContainsFunc(p.Lines(), func(r share.Row) bool {
		return r.Before == state && (r.Image == about || r.Cloud == about) && r.Note != ""
	}) {
		w.t.Errorf("%s: no row %s of %s: %+v", what, state, about, p.Lines())
	}
	wantKind(w.t, share.Apply(w.t.Context(), p, report.Discard), fault.Partial, "1 change not made")
}

func TestSuspendAndResumeGoOnWithoutImagesThatFail(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	good, bad := w.image("good", nil), w.image("bad", nil)
	w.member(good, "member-a", glance.Accepted)
	w.member(bad, "member-a", glance.Accepted)
	unreadable := sandbox.Rule{
		Method: http.MethodGet, Path: "/image/v2/images/" + bad + "/members", Fault: sandbox.Status(http.StatusForbidden),
	}
	for _, c := range []struct {
		name, state, about string
		images             []string
		rules              []sandbox.Rule
	}{
		{"unreadable", share.Unplanned, "bad", []string{bad, good}, []sandbox.Rule{unreadable}},
		{"not there", share.NoImage, "nowhere", []string{"nowhere", good}, nil},
	} {
		o := share.SuspendOptions{Selection: images(c.images...)}
		w.sandbox.Faults().Add(c.rules...)
		p, err := share.PlanSuspend(t.Context(), w.clouds, o)
		w.told("suspend, "+c.name, p, err, c.state, c.about)
		w.sandbox.Faults().Clear()
		if v := w.get(good).Visibility; v != glance.Private {
			t.Errorf("%s: the other image is %s", c.name, v)
		}
		p, err = share.PlanResume(t.Context(), w.clouds, share.SuspendOptions{Selection: images(good, "nowhere")})
		w.told("resume, "+c.name, p, err, share.NoImage, "nowhere")
		w.expectMembers(good, map[string]string{"member-a": glance.Accepted})
	}
	_, err := share.PlanSuspend(t.Context(), w.clouds, share.SuspendOptions{Selection: images("nowhere")})
	wantKind(t, err, fault.NotFound, "nowhere")
}

func TestRemoveGoesOnWithoutWhatFails(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.image("web", map[string]any{share.ExpiresKey: fmt.Sprintf(`{%q:"2020-01-01T00:00:00Z"}`, w.project("member-b"))})
	w.member(id, "member-a", glance.Accepted)
	w.member(id, "member-b", glance.Accepted)

	// Where nobody that was named is known, that doesn't mean those whose time is over.
	_, err := share.PlanRemove(t.Context(), w.withoutAway(), share.RemoveOptions{Selection: images(id), To: []string{"away"}})
	wantKind(t, err, fault.Unavailable, "refused")

	p, err := share.PlanRemove(t.Context(), w.withoutAway(), share.RemoveOptions{Selection: images(id), To: []string{"away", "member-a"}})
	w.told("a cloud that is away", p, err, share.Unreachable, "away")
	w.expectMembers(id, map[string]string{"member-b": glance.Accepted})
	p, err = share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{Selection: images("nowhere", id), To: []string{"member-b"}})
	w.told("an image that isn't there", p, err, share.NoImage, "nowhere")
	w.expectMembers(id, nil)
}

func TestStatusGoesOnWithoutWhatFails(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Pending)
	for _, c := range []struct {
		status, state, about string
		images, to           []string
	}{
		{glance.Accepted, share.Unreachable, "away", []string{id}, []string{"away", "member-a"}},
		{glance.Rejected, share.NoImage, "member-b", []string{id}, []string{"member-b", "member-a"}},
		{glance.Pending, share.NoImage, "nowhere", []string{"nowhere", id}, []string{"member-a"}},
	} {
		p, err := share.PlanStatus(t.Context(), w.withoutAway(), share.StatusOptions{
			Selection: images(c.images...), To: c.to, Status: c.status,
		})
		w.told(c.status, p, err, c.state, c.about)
		w.expectMembers(id, map[string]string{"member-a": c.status})
	}
}

// Each request of a list fails once, in each way, logins included: what it doesn't list it tells.
func TestListUnderEveryFault(t *testing.T) {
	t.Parallel()
	o := share.ListOptions{To: []string{"member-a", "member-b"}}
	w := newSandbox(t, sandbox.Options{})
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Accepted)
	w.member(id, "member-b", glance.Accepted)
	list := func() ([]share.Share, error) { return share.List(t.Context(), opener(w.sandbox), o) }
	total := w.sends(func() error { _, err := list(); return err })
	for _, kind := range sortedNames(everyFault) {
		for nth := 1; nth <= total; nth++ {
			match := func(r *http.Request) bool {
				believed := kind == "404" && strings.Contains(r.URL.Path, "/members/") // that it isn't there
				return concerns(r) && !believed
			}
			w.sandbox.Faults().Add(sandbox.Rule{Match: match, Nth: nth, Fault: everyFault[kind]})
			all, err := list()
			w.sandbox.Faults().Clear()
			if fault.Is(err, fault.Usage) && kind == "404" && len(all) == 0 {
				continue // at a login it means that the address of Keystone is wrong, a mistake in clouds.yaml
			}
			if want := 2; err == nil && len(all) != want || err != nil && (len(all) != 1 || !fault.Is(err, fault.Partial)) {
				t.Errorf("%s at request %d: it lists %v and says %v (%v)", kind, nth, listed(all), err, fault.KindOf(err))
			}
		}
	}
}
