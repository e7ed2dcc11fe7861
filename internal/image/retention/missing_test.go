package retention_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// doWithout is a policy that does without some sources.
func doWithout(words ...string) string {
	return strings.Replace(months, missing, "may_be_missing: ["+strings.Join(words, ", ")+"]\n", 1)
}

// One word stands for the services that a cloud doesn't have, and for none that doesn't answer.
func TestAbsentServicesMayBeMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 19)
	text := doWithout(retention.AbsentServices)
	w.run(text)
	expect(t, w.plan(text+atOnce), id, retention.Delete, "")
	if notes := w.plan(text).Notes(); len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}
	for _, path := range []string{"/volume/**", "/compute/**", "/baremetal/**"} {
		for _, f := range []sandbox.Fault{sandbox.Status(400), sandbox.Status(403)} {
			w.Faults().Clear()
			w.Faults().Add(sandbox.Rule{Method: "GET", Path: path, Fault: f})
			p := w.plan(text + atOnce)
			expect(t, p, id, "", "nothing tells whether it is in use")
			if len(p.Notes()) == 0 {
				t.Errorf("%s, %s: nothing says so", path, f)
			}
		}
	}
}

// A catalog without Compute is more likely another region's than a cloud's without servers.
func TestComputeIsNeverAbsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.old("web", 0)
	id := w.old("web-1", 19)
	text := doWithout(retention.AbsentServices)
	w.run(text)
	w.site.Users = without{w.site.Users, []retention.Absent{
		{Source: usage.Servers, State: usage.Absent, Why: "absent: the catalog has no compute service"},
		{Source: usage.Stacks, State: usage.Absent, Why: "absent: the catalog has no orchestration service"},
	}}
	expect(t, w.plan(text+atOnce), id, "", "no answer from servers")
	expect(t, w.plan(doWithout(retention.AbsentServices, usage.Servers)+atOnce), id, retention.Delete, "")
}

// without are users of which some sources are absent.
type without struct {
	retention.Users
	absent []retention.Absent
}

func (o without) Survey(ctx context.Context, take func(*glance.Image), restart func()) (retention.Survey, error) {
	s, err := o.Users.Survey(ctx, take, restart)
	return partly{s, o.absent}, err
}

type partly struct {
	retention.Survey
	absent []retention.Absent
}

func (p partly) Absent() []retention.Absent { return p.absent }

// An administrator whom a service shows only its own project's objects doesn't know about other projects' images.
func TestOtherProjectsImagesNeedTheirProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Listed: sandbox.Listed{Services: []string{"heat"}}})
	marked := func(project string) func(*sandbox.Image) {
		return func(i *sandbox.Image) {
			i.Project, i.Visibility = project, "private"
			i.Properties[retention.StageKey], i.Properties[retention.StageAtKey] = retention.Hide, "2020-01-01T00:00:00Z"
		}
	}
	own, foreign := w.old("web-1", 19, marked("admin")), w.old("web-1", 19, marked("demo"))
	for _, project := range []string{"admin", "demo"} {
		w.old("web", 0, marked(project))
	}
	must(w.AddListed("stacks", "demo", map[string]any{"stack_name": "a", "parameters": map[string]any{"image": foreign}}))
	text := strings.Replace(doWithout(retention.AbsentServices, retention.OtherProjects), "{names: [\"web*\"]}",
		"{names: [\"web*\"], owners: [any]}", 1) + atOnce
	expect(t, w.plan(text), foreign, "", "delete is due, but it is in use")
	w.Faults().Add(sandbox.Rule{
		Method: "GET", Fault: sandbox.Status(403),
		Match: func(r *http.Request) bool { return r.URL.Query().Get("global_tenant") == "true" },
	})
	p := w.plan(text)
	expect(t, p, own, retention.Delete, "")
	expect(t, p, foreign, "", "nothing tells whether it is in use: no answer from stacks")
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	w.want(own, "gone")
	w.want(foreign, "active private stage hide")
}

// What a project's members don't see doesn't matter for images that only the project can use, and for no others.
func TestOtherProjectsMayBeMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	of := func(visibility string, members ...string) func(*sandbox.Image) {
		return func(i *sandbox.Image) {
			i.Project, i.Visibility, i.Members = "demo", visibility, map[string]string{}
			for _, m := range members {
				i.Members[m] = "accepted"
			}
			i.Properties[retention.StageKey], i.Properties[retention.StageAtKey] = retention.Deprecate, "2020-01-01T00:00:00Z"
		}
	}
	was := func(visibility string) func(*sandbox.Image) {
		return with(retention.BeforeKey, fmt.Sprintf(`{"visibility": %q, "hidden": false, "status": "active"}`, visibility))
	}
	w.old("web", 0, of("private"))
	leave := []string{
		w.old("web-1", 19, of("private")), w.old("web-2", 19, of("shared")), w.old("web-3", 19, of("private"), was("private")),
	}
	stay := []string{
		w.old("web-4", 19, of("shared", "member-a")), w.old("web-5", 19, of("private"), was("public")),
		w.old("web-6", 19, of("private"), was("shared")), w.old("web-7", 19, of("community")),
	}
	demo := cloudtest.Connect(t, w.CloudsYAML(), "demo")
	w.site = must(retention.NewSite(demo, retention.UsersOf([]*cloud.Cloud{demo}, usage.Options{})))
	plan := func(words ...string) *retention.Plan { return w.plan(doWithout(words...) + atOnce) }
	for _, words := range [][]string{{retention.AbsentServices}, {retention.OtherProjects}} {
		p := plan(words...)
		for _, id := range append(slices.Clone(leave), stay...) {
			expect(t, p, id, retention.Hide, "nothing tells whether it is in use")
		}
	}
	p := plan(retention.OtherProjects, retention.AbsentServices)
	for _, id := range leave {
		expect(t, p, id, retention.Delete, "")
	}
	for _, id := range stay {
		expect(t, p, id, retention.Hide, "nothing tells whether it is in use: no answer from servers")
	}
	if notes := fmt.Sprint(p.Notes()); !strings.Contains(notes, "no image that other projects could use is deleted") {
		t.Errorf("notes: %s", notes)
	}
	// One that is shared between plan and apply is looked at again.
	if err := w.site.Images.AddMember(t.Context(), leave[1], w.ProjectID("member-a")); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	w.want(leave[0], "gone")
	w.want(leave[1], "active shared stage deprecate")
	w.want(stay[0], "active shared hidden stage hide")
}
