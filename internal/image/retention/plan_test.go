package retention_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestMain(m *testing.M) {
	time.Local = time.FixedZone("far from UTC", 13*60*60)
	os.Exit(m.Run())
}

// Ages are counted from what the policy says, by the calendar, in UTC.
func TestAges(t *testing.T) {
	t.Parallel()
	superseded := strings.Replace(months, "{from: created}", "{from: superseded}", 1)
	property := strings.Replace(months, "{from: created}", "{from: property, property: built}", 1)
	for _, c := range []struct {
		name, policy string
		ahead        time.Duration // of the cloud's clock
		change       func(w *world, i *sandbox.Image)
		action, says string
	}{
		{"created", months, 0, func(w *world, i *sandbox.Image) { i.CreatedAt = w.now.AddDate(-1, 0, 0) }, "hide", "older than 12mo"},
		{
			"created an hour too late", months, 0, func(w *world, i *sandbox.Image) { i.CreatedAt = w.now.AddDate(-1, 0, 0).Add(time.Hour) }, "",
			"younger than 12mo",
		},
		{
			"archived by a promotion", superseded, 0,
			func(w *world, i *sandbox.Image) {
				i.Properties["imgctl_archived_at"] = w.now.AddDate(-1, 0, -1).Format(time.RFC3339)
			},
			"hide", "superseded",
		},
		{
			"superseded by a new image", superseded, 0, func(w *world, i *sandbox.Image) { i.CreatedAt = w.now.AddDate(-3, 0, 0) }, "",
			"younger than 12mo",
		},
		{
			"a property", property, 0, func(w *world, i *sandbox.Image) {
				i.Properties["built"] = w.now.AddDate(-1, 0, -1).Format(time.DateOnly)
			},
			"hide", "its property built is",
		},
		{"a missing property", property, 0, func(*world, *sandbox.Image) {}, "", "it has no property built"},
		{"no time in it", property, 0, func(_ *world, i *sandbox.Image) { i.Properties["built"] = "last week" }, "", `is no time: "last week"`},
		{
			"the future in it", property, 0, func(_ *world, i *sandbox.Image) { i.Properties["built"] = "2199-01-01" }, "",
			"is in the future",
		},
		{
			"a missing property, otherwise created", strings.Replace(property, "built}", "built, otherwise: created}", 1), 0,
			func(*world, *sandbox.Image) {}, "hide", "created 20",
		},
		{
			"a cloud whose clock is a day ahead", months, 24 * time.Hour,
			func(w *world, i *sandbox.Image) { i.CreatedAt = w.now.AddDate(-1, 0, 0).Add(-time.Minute) }, "hide", "older than 12mo",
		},
		{
			"a cloud whose clock is a day behind", months, -24 * time.Hour,
			func(w *world, i *sandbox.Image) { i.CreatedAt = w.now.AddDate(-1, 0, 0).Add(time.Hour) }, "", "younger than 12mo",
		},
		{
			"younger than the minimum age", strings.Replace(property, "1d", "90d", 1), 0,
			func(w *world, i *sandbox.Image) {
				i.Properties["built"], i.CreatedAt = "2015-06-01", w.now.AddDate(0, -2, 0)
			},
			"", "created less than 90d ago",
		},
		{
			"queued for an hour", months, 0, func(w *world, i *sandbox.Image) { i.Data, i.CreatedAt = nil, w.now.Add(-time.Hour) }, "",
			"its upload is under way: queued",
		},
		{"queued for a year", months, 0, func(_ *world, i *sandbox.Image) { i.Data = nil }, "", "it is stale: queued for"},
		{"kept by its property", months, 0, func(_ *world, i *sandbox.Image) { i.Properties[retention.KeepKey] = "true" }, "", "says so"},
		{"current by a pointer", months, 0, func(_ *world, i *sandbox.Image) { i.Properties["imgctl_current"] = "web" }, "", "it is current"},
		{
			"private, which community would show", strings.Replace(months, "hide", "community", 1), 0,
			func(_ *world, i *sandbox.Image) { i.Visibility = "private" }, "", "would show it to everybody",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{ClockOffset: c.ahead})
			w.old("web", 0, func(i *sandbox.Image) { i.Properties["built"] = w.now.Format(time.RFC3339) })
			id := w.old("web-1", 13, func(i *sandbox.Image) { c.change(w, i) })
			expect(t, w.plan(c.policy), id, c.action, c.says)
		})
	}
}

func TestLeapDay(t *testing.T) {
	t.Parallel()
	at, ok := retention.ParseMoment("2024-02-29 12:00:00.000000")
	p := policy(t, months)
	if got := p.Stages[0].At.From(at); !ok || !got.Equal(time.Date(2025, 2, 28, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("12 months after a leap day are %s", got)
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2022-05-01 03:04:05.678901": "2022-05-01T03:04:05.678901Z", "1500000000.5": "2017-07-14T02:40:00.5Z",
		"2022-05-01": "2022-05-01T00:00:00Z", "2022-05-01T00:00:00+02:00": "2022-04-30T22:00:00Z",
		"": "", "20220501": "", "soon": "", "NaN": "", "1e300": "", "-1500000000": "",
	} {
		got, ok := retention.ParseMoment(text)
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q is %s, %v", text, got, ok)
		}
	}
}

// Images of one name are told apart; the newest ones that can be used stay.
func TestDuplicateNamesAndTheNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	text := strings.Replace(strings.Replace(months, "keep: 1", "keep: 2", 1), "group: [os]\n", "", 1)
	newest, second, third := w.old("web", 13), w.old("web", 14), w.old("web", 15)
	unusable := w.old("web", 1, func(i *sandbox.Image) { i.Data = nil })
	other := w.old("web-2", 30) // a family of its own
	p := w.plan(text)
	for _, id := range []string{newest, second, other} {
		expect(t, p, id, "", "one of the newest 2")
	}
	expect(t, p, third, retention.Hide, "older than 12mo")
	expect(t, p, unusable, "", "stale")
	if e := entry(t, p, third); e.ReplacedBy != newest {
		t.Errorf("image %s is to replace it, want %s", e.ReplacedBy, newest)
	}
}

func TestTheKernelOfAnotherImageStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	kernel := w.old("web-1", 19)
	w.old("other", 19, with("kernel_id", kernel))
	w.run(months)
	expect(t, w.run(months+atOnce), kernel, "", "kernel_id")
	w.want(kernel, "active public hidden stage hide")
}

// What isn't known counts as in use.
func TestAbsentSourcesKeepImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 19)
	w.run(months)
	p := w.plan(strings.Replace(months, "stacks, ", "", 1) + atOnce)
	expect(t, p, id, "", "nothing tells whether it is in use: no answer from stacks")
	if notes := p.Notes(); len(notes) == 0 {
		t.Error("nothing says which sources are absent")
	}
	p = w.plan(months + atOnce)
	expect(t, p, id, retention.Delete, "")
	w.Faults().Add(sandbox.Rule{Path: "/volume/**", Fault: sandbox.Status(403)})
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	w.want(id, "active public hidden stage hide")
}

// A policy that has not run here before only reports.
func TestTheFirstRunReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 13)
	scheduled := func(text string) *retention.Plan {
		p, err := retention.Scheduled(t.Context(), w.site, policy(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Apply(t.Context(), report.Discard); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for n, c := range []struct{ text, state string }{
		{months, "active public"},
		{months + "keep_base_name: true\n", "active public"}, // another one
		{months + "keep_base_name: true\n", "active public hidden stage hide"},
	} {
		if p := scheduled(c.text); p.First != (n < 2) {
			t.Errorf("run %d: first is %v", n, p.First)
		}
		w.want(id, c.state)
	}
	before := len(w.writes())
	if p := scheduled(months + "keep_base_name: true\n"); !p.Done() || len(w.writes()) > before {
		t.Errorf("the last run sends %q", w.writes()[before:])
	}
	if p := w.plan(strings.Replace(months, `"web*"`, `"*"`, 1)); len(p.Images) != 2 {
		t.Errorf("the policy's own record is one of %d images", len(p.Images))
	}
}

// A plan is a file, with all images in it.
func TestPlanFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	kept, id := w.old("web", 0), w.old("web-1", 13)
	var file bytes.Buffer
	if err := w.plan(months).Write(&file); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	for _, has := range []string{kept, id, `"reason":"it is older than 12mo"`, `"reason":"it is one of the newest 1 of its group"`} {
		if !strings.Contains(text, has) {
			t.Errorf("the file lacks %s:\n%s", has, text)
		}
	}
	for name, broken := range map[string]string{
		"no plan": "{}", "cut": text[:len(text)/2], "another policy": strings.Replace(text, "12mo", "1mo", 1),
		"an unknown action": strings.Replace(text, `"action":"hide"`, `"action":"burn"`, 1),
		"the wrong project": strings.Replace(text, w.site.Project, strings.Repeat("0", 32), 1), "an id twice": strings.ReplaceAll(text, kept, id),
		"an edited action": strings.Replace(text, `"action":""`, `"action":"delete"`, 1),
		"an edited state":  strings.Replace(text, `"stage":""`, `"stage":"hide"`, 1),
		"an image less":    text[:strings.Index(text, "\n")+1] + text[strings.LastIndex(text[:strings.LastIndex(text, "],")], "\n{")+1:],
		"without a seal":   text[:strings.LastIndex(text, `,"seal"`)] + "}",
		"a foreign key":    strings.Replace(text, `"cloud"`, `"clod"`, 1),
	} {
		_, err := retention.ReadPlan(strings.NewReader(broken), w.site)
		if edited := strings.Contains(fmt.Sprint(err), "have been edited"); !fault.Is(err, fault.Usage) ||
			edited != (strings.HasPrefix(name, "an edited") || name == "an image less" || name == "without a seal") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 2 { // the second time it has been done
		p, err := retention.ReadPlan(strings.NewReader(text), w.site)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Apply(t.Context(), report.Discard); err != nil {
			t.Fatal(err)
		}
		w.want(id, "active public hidden stage hide")
	}
}

// Without an administrator's rights, a policy is about the project's own images, and sources show less.
func TestAMemberOfAProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	mine := func(i *sandbox.Image) { i.Project, i.Visibility = "demo", "private" }
	w.old("web", 0, mine)
	id := w.old("web-1", 13, mine)
	foreign := w.old("web-2", 13)
	demo := cloudtest.Connect(t, w.CloudsYAML(), "demo")
	site := must(retention.NewSite(demo, retention.UsersOf([]*cloud.Cloud{demo}, usage.Options{})))
	p := must(retention.NewPlan(t.Context(), site, policy(t, months)))
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	w.want(id, "active private hidden stage hide")
	w.want(foreign, "active public")
	others := strings.Replace(months, `{names: ["web*"]}`, `{names: ["web*"], owners: [any]}`, 1)
	if _, err := retention.NewPlan(t.Context(), site, policy(t, others)); !fault.Is(err, fault.Forbidden) {
		t.Errorf("another project's images: %v", err)
	}
	// The administrator's policy counts each project's images apart.
	all := must(retention.NewPlan(t.Context(), w.site, policy(t, others)))
	expect(t, all, foreign, "", "one of the newest")
}

// A plan looks ahead.
func TestForecast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	young, old := w.old("web-1", 3), w.old("web-2", 19)
	p := w.plan(months)
	if e := entry(t, p, young); e.Next != retention.Hide || !e.NextAt.Equal(e.Created.AddDate(1, 0, 0)) {
		t.Errorf("%s %s, created %s", e.Next, e.NextAt, e.Created)
	}
	e := entry(t, p, old)
	if wait := e.NextAt.Sub(p.At).Round(time.Hour); e.Action != retention.Hide || e.Next != retention.Delete || wait != 7*24*time.Hour {
		t.Errorf("%+v", e)
	}
}
