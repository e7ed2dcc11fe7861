package retention_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// lists counts the lists that a run with so many groups of images reads, and checks that each deletion is checked
// right before it.
func lists(t *testing.T, groups int) map[string]int {
	t.Helper()
	w := newWorld(t, sandbox.Options{})
	for n := range groups {
		os := with("os", fmt.Sprint(n))
		w.old("web", 0, os)
		w.old("web-1", 20, os, with(retention.StageKey, retention.Hide), with(retention.StageAtKey, "2020-01-01T00:00:00Z"))
	}
	w.ResetRequests()
	p := w.plan(months + atOnce)
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	count, sent, deleted := map[string]int{}, []string{}, 0
	for _, r := range w.Requests() {
		sent = append(sent, r.Method+" "+r.Path)
		if r.Method == http.MethodGet && !strings.HasPrefix(r.Path, "/image/") { // promotions of each image's name are looked up
			count[strings.ReplaceAll(r.Path, w.site.Project, "PROJECT")]++
		}
	}
	last := 0
	for n, s := range sent {
		if strings.HasSuffix(s, "/servers/detail") {
			last = n
		}
	}
	for n, s := range sent {
		image, isDelete := strings.CutPrefix(s, "DELETE ")
		if !isDelete {
			continue
		}
		deleted++
		closed, read := slices.Index(sent, "POST "+image+"/actions/deactivate"), slices.Index(sent[last:], "GET "+image)
		if closed < 0 || closed > last || read < 0 || last+read > n {
			t.Errorf("image %s: closed at request %d, all servers read at %d, the image at %d, deleted at %d", image, closed, last, last+read, n)
		}
	}
	if deleted != groups {
		t.Errorf("%d images deleted, want %d", deleted, groups)
	}
	return count
}

// Sources are read once for a plan and once for all its deletions, however many groups there are. An image that is
// deleted is closed first; then all servers are read, then the image itself.
func TestListsDoNotMultiply(t *testing.T) {
	t.Parallel()
	one, many := lists(t, 1), lists(t, 12)
	for path, n := range many {
		if n != one[path] {
			t.Errorf("%s is read %d times for one group, %d times for 12", path, one[path], n)
		}
	}
	if n := many["/compute/v2.1/servers/detail"]; n != 4 { // those that are there and those that can be restored, twice
		t.Errorf("servers are read %d times", n)
	}
}

// Stages come by the calendar, over leap days too, in plans, their forecasts and what is done.
func TestLeapDaysInPlans(t *testing.T) {
	t.Parallel()
	text := strings.Replace(months, "{12mo: hide, 18mo: delete}", "{1mo: deprecate, 12mo: hide, 48mo: delete}", 1)
	for _, c := range []struct{ created, now, action, next string }{
		{"2024-02-29T12:00:00Z", "2024-03-29T11:59:59Z", "", "2024-03-29T12:00:00Z"},
		{"2024-02-29T12:00:00Z", "2025-02-28T11:59:59Z", retention.Deprecate, "2025-02-28T12:00:00Z"},
		{"2024-02-29T12:00:00Z", "2025-02-28T12:00:00Z", retention.Hide, "2028-02-29T12:00:00Z"},
		{"2024-01-31T00:00:00Z", "2024-02-28T23:59:59Z", "", "2024-02-29T00:00:00Z"},
		{"2023-01-31T00:00:00Z", "2023-02-28T00:00:00Z", retention.Deprecate, "2024-01-31T00:00:00Z"},
		{"2027-02-28T00:00:00Z", "2028-02-28T00:00:00Z", retention.Hide, "2031-02-28T00:00:00Z"},
		{"2027-03-01T00:00:00Z", "2028-02-29T23:59:59Z", retention.Deprecate, "2028-03-01T00:00:00Z"},
	} {
		t.Run(c.created+" "+c.now, func(t *testing.T) {
			t.Parallel()
			created, now := must(time.Parse(time.RFC3339, c.created)), must(time.Parse(time.RFC3339, c.now))
			w := newWorld(t, sandbox.Options{})
			w.site.Now = func() time.Time { return now.In(time.FixedZone("far", -11*60*60)) }
			w.old("web", 0, func(i *sandbox.Image) { i.CreatedAt = now.Add(-time.Hour) })
			id := w.old("web-1", 0, func(i *sandbox.Image) { i.CreatedAt = created })
			p := w.plan(text)
			expect(t, p, id, c.action, "")
			if e := entry(t, p, id); e.NextAt.Format(time.RFC3339) != c.next {
				t.Errorf("next is %s at %s, want %s", e.Next, e.NextAt, c.next)
			}
			if err := p.Apply(t.Context(), report.Discard); err != nil {
				t.Fatal(err)
			}
			want := strings.TrimSuffix("active public stage "+c.action, " stage ")
			if c.action == retention.Hide {
				want = "active public hidden stage hide"
			}
			w.want(id, want)
		})
	}
}
