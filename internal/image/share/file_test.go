package share_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestParse(t *testing.T) {
	t.Parallel()
	text := `# who gets what
version: 1
shares:
  - from: source
    images:
      - name: ZZCI - Ubuntu 24.04
        pick: newest
      - {glob: "ZZCI - CentOS*", tags: [ci], properties: {os: centos}, pick: all}
      - id: 0b01779d-2427-4f5c-b083-1ad3abc302ed
    to:
      - cloud: vex-production
      - project: 01234567890123456789012345678901
        expires: 2027-01-31T00:00:00+01:00
    copy: true
`
	f, err := share.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := &share.File{Shares: []share.Wanted{{
		From: "source", Copy: true, Line: 4,
		Images: []share.Selection{
			{Images: []string{"ZZCI - Ubuntu 24.04"}, Pick: share.Newest},
			{Glob: "ZZCI - CentOS*", Tags: []string{"ci"}, Properties: map[string]string{"os": "centos"}, Pick: share.All},
			{Images: []string{"0b01779d-2427-4f5c-b083-1ad3abc302ed"}},
		},
		To: []share.Recipient{
			{Cloud: "vex-production", Line: 11},
			{Project: "01234567890123456789012345678901", Expires: time.Date(2027, 1, 30, 23, 0, 0, 0, time.UTC), Line: 12},
		},
	}}}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const head = "version: 1\nshares:\n- "
	for _, c := range []struct{ name, text, says string }{
		{"nothing", "", "line 1: the file is empty"},
		{"only a comment", "# nothing\n", "empty"},
		{"no YAML", "version: [", "line 1"},
		{"a tab", "version: 1\n\tshares:", "line 2"},
		{"a list", "- version: 1", "line 1, column 1: keys and values"},
		{"no version", "shares: [{images: [{name: a}], to: []}]", "version: it is missing"},
		{"another version", "version: 2\nshares: [{images: [{name: a}], to: []}]", `version: "2" is unknown`},
		{"no shares", "version: 1\n", "shares: it is missing"},
		{"shares of nothing", "version: 1\nshares: []", "shares: there are none"},
		{"nobody named", head + "images: [{name: a}]", "line 3, column 3: to: it is missing"},
		{"an empty recipient list", head + "images: [{name: a}]\n  to:", "line 4, column 3: a list is expected"},
		{"a misspelt key", head + "image: []", `line 3, column 3: "image" is unknown`},
		{"a key twice", head + "images: [{name: a}]\n  images: [{name: b}]", `line 4, column 3: "images" is given twice`},
		{"no images", head + "to: []", "line 3, column 3: images: it is missing"},
		{"an image of nothing", head + "images:\n  - pick: all", "line 4, column 5: an image needs"},
		{
			"an image by id and name", head + "images:\n  - {id: 0b01779d-2427-4f5c-b083-1ad3abc302ed, name: a}",
			"line 4, column 5: an image has an id or a name",
		},
		{"a wrong id", head + "images:\n  - id: web", `line 4, column 5: id: "web"`},
		{"a wrong pick", head + "images:\n  - {name: a, pick: oldest}", `line 4, column 21: pick: "oldest"`},
		{"an empty name", head + "images:\n  - name:", "line 4, column 5: a text is expected"},
		{
			"a recipient of nothing", head + "images: [{name: a}]\n  to:\n  - {expires: 2027-01-31T00:00:00Z}",
			"line 5, column 5: a recipient is either",
		},
		{"a recipient of both", head + "images: [{name: a}]\n  to:\n  - {cloud: a, project: b}", "line 5, column 5: a recipient is either"},
		{"a duration", head + "images: [{name: a}]\n  to:\n  - {cloud: a, expires: 30d}", `line 5, column 25: expires: "30d"`},
		{"a wrong flag", head + "images: [{name: a}]\n  copy: 1", "line 4, column 9: true or false"},
		{"an alias", "version: 1\nx: &a 1\nshares: *a", `line 2, column 1: "x" is unknown`},
		{"an alias of nothing", head + "images: *a", "line 3: unknown anchor"},
		{"two documents", head + "images: [{name: a}]\n---\nversion: 1\n", "second document"},
		{"a list as a key", "version: 1\n? [a]\n: b", "a key has to be a word"},
		{"too much", "#" + strings.Repeat("x", 1<<20), "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := share.Parse([]byte(c.text))
			wantKind(t, err, fault.Usage, c.says)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("version: 1\nshares:\n- images: [{name: a, tags: [b], properties: {c: d}, pick: newest}]\n  to: [{cloud: e, expires: " +
		"2027-01-31T00:00:00Z}]\n")
	f.Add("version: 1\nshares: *a")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := share.Parse([]byte(text))
		switch {
		case err != nil && !fault.Is(err, fault.Usage):
			t.Errorf("error %v isn't one of usage", err)
		case err != nil && !strings.Contains(err.Error(), "line ") && !strings.Contains(err.Error(), "yaml: "):
			t.Errorf("error %v doesn't say where", err)
		case err == nil && len(file.Shares) == 0:
			t.Error("a file of nothing was taken")
		}
		if err != nil {
			return
		}
		for _, s := range file.Shares {
			if len(s.Images) == 0 || s.Line == 0 {
				t.Errorf("share %+v", s)
			}
			for _, to := range s.To {
				if (to.Cloud == "") == (to.Project == "") {
					t.Errorf("recipient %+v", to)
				}
			}
		}
	})
}

func mustParse(t *testing.T, text string) *share.File {
	t.Helper()
	f, err := share.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// drift is how the clouds differ from a file, in short.
func (w *world) drift(f *share.File, o share.FileOptions) []string {
	w.t.Helper()
	if o.From == "" {
		o.From = "demo"
	}
	var out []string
	w.writesNothing(func() {
		found, err := share.Drift(w.t.Context(), w.clouds, f, o)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, d := range found {
			who := "-"
			for _, name := range []string{"member-a", "member-b", "other", "far"} {
				if s, err := w.clouds(w.t.Context(), name); err == nil && d.ProjectID == s.Project.ID {
					who = name
				}
			}
			out = append(out, strings.TrimSpace(strings.TrimSuffix(d.Image, w.suffix)+" "+who+" "+d.Kind))
		}
		if err := share.DriftError(found); (err != nil) != (len(found) > 0) || err != nil && fault.ExitCode(err) != 8 {
			w.t.Errorf("%d differences are the error %v", len(found), err)
		}
	})
	return sorted(out...)
}

func (w *world) expectDrift(f *share.File, o share.FileOptions, want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(sorted(want...), w.drift(f, o)); diff != "" {
		w.t.Error(diff)
	}
}

func TestApplyFileAndDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.image("one", nil), w.image("two", nil)
	w.member(second, "other", glance.Accepted)
	f := mustParse(t, fmt.Sprintf(`
version: 1
shares:
  - images: [{name: "one%[1]s"}, {name: "two%[1]s"}]
    to:
      - cloud: member-a
  - images: [{name: "two%[1]s"}]
    to:
      - project: %s
        expires: 2100-01-01T00:00:00Z
`, w.suffix, w.project("member-b")))
	w.expectDrift(f, share.FileOptions{}, "one - private", "two member-a missing", "two member-b missing", "two other extra")

	o := share.FileOptions{From: "demo"}
	w.writesNothing(func() {
		if _, err := share.PlanFile(t.Context(), w.clouds, f, o); err != nil {
			t.Fatal(err)
		}
	})
	p, err := share.PlanFile(t.Context(), w.clouds, f, o)
	w.apply(p, err)
	if len(p.Notes()) != 1 || !strings.Contains(p.Notes()[0].String(), "prune") {
		t.Errorf("notes are %q", p.Notes())
	}
	w.expectMembers(first, map[string]string{"member-a": glance.Accepted})
	w.expectMembers(second, map[string]string{"member-a": glance.Accepted, "member-b": glance.Pending, "other": glance.Accepted})
	w.expectDrift(f, share.FileOptions{}, "two other extra")

	o.Prune = true
	p, err = share.PlanFile(t.Context(), w.clouds, f, o)
	w.apply(p, err)
	w.expectMembers(second, map[string]string{"member-a": glance.Accepted, "member-b": glance.Pending})
	w.expectDrift(f, share.FileOptions{})
	w.writesNothing(func() { p, err = share.PlanFile(t.Context(), w.clouds, f, o); w.apply(p, err) })
	w.expectDrift(f, share.FileOptions{Patience: time.Nanosecond}, "two member-b pending")
}

func TestDriftOfExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("one", nil)
	end := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	w.mustAdd(share.AddOptions{
		Selection: images(id), From: "demo", To: []string{"member-a", "member-b"},
		Tuning: share.Tuning{Expires: end},
	})
	text := "version: 1\nshares:\n- images: [{id: " + id + "}]\n  to:\n"
	f := mustParse(t, text+"  - {cloud: member-a, expires: 2001-01-01T00:00:00Z}\n  - {cloud: member-b}\n")
	w.expectDrift(f, share.FileOptions{}, "one member-a expired", "one member-b expiry")

	p, err := share.PlanFile(t.Context(), w.clouds, f, share.FileOptions{From: "demo", Prune: true})
	w.apply(p, err)
	w.expectMembers(id, map[string]string{"member-b": glance.Accepted})
	if ends, ok := w.get(id).Properties[share.ExpiresKey]; ok {
		t.Errorf("%s is still %s", share.ExpiresKey, ends)
	}
	w.expectDrift(f, share.FileOptions{})

	w.mustAdd(share.AddOptions{
		Selection: images(id), From: "demo", To: []string{"other"},
		Tuning: share.Tuning{Expires: time.Now().Add(-time.Hour)},
	})
	w.expectDrift(f, share.FileOptions{}, "one other expired")
}

func TestDriftThatApplyCantMend(t *testing.T) {
	t.Parallel()
	w, _ := newFarSandbox(t)
	id := w.imageOf("admin", "one", map[string]any{"visibility": "shared"})
	for name, status := range map[string]string{"member-a": glance.Rejected, "other": glance.Accepted} {
		if err := w.sandbox.SetMember(id, w.project(name), status); err != nil {
			t.Fatal(err)
		}
	}
	f := mustParse(t, fmt.Sprintf(`
version: 1
shares:
  - from: admin
    images: [{name: one}, {name: nowhere}]
    to: [{cloud: member-a}, {cloud: far}]
    copy: true
  - from: admin
    images: [{name: one}]
    to: [{project: %s}]
`, w.project("other")))
	disable(t, w, "member-b", http.MethodDelete)
	if err := w.sandbox.SetMember(id, w.project("member-b"), glance.Accepted); err != nil {
		t.Fatal(err)
	}
	w.expectDrift(f, share.FileOptions{},
		"one far missing", "one member-a rejected", "one member-b ghost", "nowhere - no image")
	p, err := share.PlanFile(t.Context(), w.clouds, f, share.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = share.Apply(t.Context(), p, report.Discard)
	wantKind(t, err, fault.Partial, "line 4", "nowhere", "2 changes not made", "has rejected image", "accept_rejected")
	w.expectStatuses(id, map[string]string{"member-a": glance.Rejected, "other": glance.Accepted, "member-b": glance.Accepted})
}

// expectStatuses is expectMembers as the sandbox knows them, of anybody's image.
func (w *world) expectStatuses(id string, want map[string]string) {
	w.t.Helper()
	ids := map[string]string{}
	for name, status := range want {
		ids[w.project(name)] = status
	}
	if diff := cmp.Diff(ids, w.sandbox.Members(id)); diff != "" {
		w.t.Error(diff)
	}
}

// One recipient that is gone, or whose cloud can't be reached, keeps no other from its access, and
// takes nobody's away.
func TestFileGoesOnWithoutWhoCantBeReached(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.imageOf("admin", "one", map[string]any{"visibility": "shared"})
	if err := w.sandbox.SetMember(id, w.project("other"), glance.Accepted); err != nil {
		t.Fatal(err)
	}
	gone := w.project("member-b")
	disable(t, w, "member-b", http.MethodDelete)
	clouds := func(ctx context.Context, name string) (*share.Tenancy, error) {
		if name == "away" {
			return nil, fault.New(fault.Unavailable, "", "dial: connection refused")
		}
		return w.clouds(ctx, name)
	}
	for _, c := range []struct {
		name, to, state string
	}{
		{"a project that is gone", "project: " + gone, share.Ghost},
		{"a project of no name", "project: nobody", share.Ghost},
		{"a cloud that is away", "cloud: away", share.Unreachable},
	} {
		f := mustParse(t, fmt.Sprintf("version: 1\nshares:\n- images: [{name: one}]\n  to: [{cloud: member-a}, {%s}]\n", c.to))
		o := share.FileOptions{From: "admin", Prune: c.state == share.Unreachable}
		found, err := share.Drift(t.Context(), clouds, f, o)
		if err != nil || !slices.ContainsFunc(found, func(d share.Difference) bool { return d.Kind == c.state }) {
			t.Errorf("%s: drift is %+v, %v", c.name, found, err)
		}
		p, err := share.PlanFile(t.Context(), clouds, f, o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !slices.ContainsFunc(p.Lines(), func(r share.Row) bool { return r.Before == c.state && r.Note != "" }) {
			t.Errorf("%s: rows are %+v", c.name, p.Lines())
		}
		wantKind(t, share.Apply(t.Context(), p, report.Discard), fault.Partial, "1 change not made")
		w.expectStatuses(id, map[string]string{"member-a": glance.Accepted, "other": glance.Accepted})
	}
	alone := mustParse(t, "version: 1\nshares:\n- {from: away, images: [{name: one}], to: [{cloud: member-a}]}\n")
	_, err := share.PlanFile(t.Context(), clouds, alone, share.FileOptions{})
	wantKind(t, err, fault.Unavailable, "line 3", "refused")
}

func TestFileGivesAShareOneEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.image("one", nil)
	const first = "version: 1\nshares:\n- images: [{name: one}]\n  to: [{cloud: member-a, expires: 2031-01-01T00:00:00Z}]\n"
	for name, second := range map[string]string{
		"another end": "- images: [{name: one}]\n  to: [{cloud: member-a, expires: 2030-01-01T00:00:00Z}]\n",
		"none":        "- images: [{name: one}]\n  to: [{cloud: member-a}]\n",
		"by id":       "- images: [{name: one}]\n  to: [{project: " + w.project("member-a") + "}]\n",
	} {
		_, err := share.PlanFile(t.Context(), w.clouds, mustParse(t, first+second), share.FileOptions{From: "demo"})
		if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "line 4") || !strings.Contains(err.Error(), "line 6") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := share.PlanFile(t.Context(), w.clouds, mustParse(t, first+strings.TrimPrefix(first, "version: 1\nshares:\n")),
		share.FileOptions{From: "demo"}); err != nil {
		t.Errorf("the same end twice: %v", err)
	}
}

func TestFileNamesItsLines(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	w.image("one", nil)
	for _, c := range []struct {
		to   string
		kind fault.Kind
	}{
		{"{cloud: demo}", fault.Usage},
		{"{project: nobody}", fault.Forbidden},
	} {
		f := mustParse(t, "version: 1\nshares:\n- images: [{name: one}]\n  to:\n  - cloud: member-a\n  - "+c.to)
		_, err := share.PlanFile(t.Context(), w.clouds, f, share.FileOptions{})
		wantKind(t, err, c.kind, "line 6")
	}
}

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"720h": now.Add(720 * time.Hour), "30d": now.Add(720 * time.Hour), "1.5d": now.Add(36 * time.Hour),
		"7d12h": now.Add(180 * time.Hour), "12mo": time.Date(2027, 11, 21, 12, 0, 0, 0, time.UTC),
		"2027-01-31T00:00:00+01:00": time.Date(2027, 1, 30, 23, 0, 0, 0, time.UTC),
	} {
		if got, err := share.ParseExpiry(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"soon", "d", "-1h", "0s", "2026-01-01T00:00:00Z"} {
		_, err := share.ParseExpiry(text, now)
		wantKind(t, err, fault.Usage, text)
	}
	for _, text := range []string{"", " "} {
		_, err := share.ParseExpiry(text, now)
		wantKind(t, err, fault.Usage, "expires: it is empty")
	}
}
