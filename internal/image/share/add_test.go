package share_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestAddSharesAndAccepts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	w.mustAdd(share.AddOptions{Selection: images("web" + w.suffix), From: "demo", To: []string{"member-a", "member-b"}})
	w.expectMembers(id, map[string]string{"member-a": glance.Accepted, "member-b": glance.Accepted})
	if img := w.get(id); img.Visibility != glance.Shared || len(img.Properties) != 1 {
		t.Errorf("image is %s with %v: nothing but the visibility is to change", img.Visibility, img.Properties)
	}

	w.writesNothing(func() {
		w.mustAdd(share.AddOptions{Selection: images(id), From: "demo", To: []string{"member-b", "member-a"}})
	})
}

func TestPlanAddWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	w.writesNothing(func() {
		p, err := share.PlanAdd(t.Context(), w.clouds, share.AddOptions{Selection: images(id), From: "demo", To: []string{"member-a"}})
		if err != nil {
			t.Fatal(err)
		}
		rows := p.Lines()
		if len(rows) != 1 || rows[0].ProjectID != w.project("member-a") || rows[0].Before != share.None ||
			rows[0].After != glance.Accepted || p.Done() {
			t.Errorf("plan is %+v", rows)
		}
	})
}

func TestAddByProjectID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.project("member-a"), w.project("member-b")
	for _, c := range []struct {
		name, from string
		projects   []string
		want       string
	}{
		{"a member of the project may not look projects up and can't accept for others", "demo", []string{a, b}, glance.Pending},
		{"an admin accepts for others", "admin", []string{a, w.site("member-b").Project.Name}, glance.Accepted},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := w.imageOf(c.from, "by id", nil)
			p, err := share.PlanAdd(t.Context(), w.clouds, share.AddOptions{Selection: images(id), From: c.from, Projects: c.projects})
			w.apply(p, err)
			members, err := w.site(c.from).Images.Members(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, m := range members {
				got[m.ProjectID] = m.Status
			}
			if len(got) != 2 || got[a] != c.want || got[b] != c.want {
				t.Errorf("members are %v, want both %s", got, c.want)
			}
		})
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	w.image("twice", nil)
	w.image("twice", nil)
	foreign := w.imageOf("other", "foreign", nil)
	admins := w.imageOf("admin", "admins", nil)
	community := w.image("community", map[string]any{"visibility": "community"})
	for _, c := range []struct {
		name string
		o    share.AddOptions
		kind fault.Kind
		says string
	}{
		{"nobody", share.AddOptions{Selection: images(id)}, fault.Usage, "no project is named"},
		{"nothing", share.AddOptions{To: []string{"member-a"}}, fault.Usage, "no image is chosen"},
		{"an unknown image", share.AddOptions{Selection: images("nowhere"), To: []string{"member-a"}}, fault.NotFound, `"nowhere"`},
		{"several images", share.AddOptions{Selection: images("twice" + w.suffix), To: []string{"member-a"}}, fault.Ambiguous, "13 bytes"},
		{"itself", share.AddOptions{Selection: images(id), To: []string{"demo"}}, fault.Usage, "itself"},
		{"itself by id", share.AddOptions{Selection: images(id), Projects: []string{w.project("demo")}}, fault.Usage, "itself"},
		{
			"a name that can't be verified",
			share.AddOptions{Selection: images(id), Projects: []string{"member-a"}},
			fault.Forbidden,
			"can't be verified",
		},
		{
			"a project that isn't there",
			share.AddOptions{Selection: images(admins), From: "admin", Projects: []string{"nobody"}},
			fault.NotFound, `no project "nobody"`,
		},
		{
			"somebody else's image",
			share.AddOptions{Selection: images(foreign), From: "admin", To: []string{"member-a"}},
			fault.Forbidden,
			"belongs to project",
		},
		{
			"an image of everybody",
			share.AddOptions{Selection: images(community), To: []string{"member-a"}},
			fault.Conflict,
			"every project can use it",
		},
		{
			"an unknown pick",
			share.AddOptions{Selection: share.Selection{Images: []string{id}, Pick: "oldest"}, To: []string{"member-a"}},
			fault.Usage, "oldest",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.o.From == "" {
				c.o.From = "demo"
			}
			w.writesNothing(func() { wantKind(t, w.add(c.o), c.kind, c.says) })
		})
	}
}

func TestAddSelects(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	at := func(day int) time.Time { return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC) }
	fill := func(name string, day int, tags []string, properties map[string]string) string {
		id, err := w.sandbox.AddImage(sandbox.Image{
			Project: "demo", Data: []byte("x"), Name: name, CreatedAt: at(day), Tags: tags,
			Properties: properties, Hidden: day == 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	old := fill("ZZCI - Ubuntu", 1, []string{"ci"}, map[string]string{"os": "ubuntu"})
	fresh := fill("ZZCI - Ubuntu", 2, []string{"ci"}, map[string]string{"os": "ubuntu"})
	hidden := fill("ZZCI - CentOS 7", 3, []string{"ci", "old"}, map[string]string{"os": "centos"})
	fill("zzci - ubuntu", 4, nil, nil)
	for _, c := range []struct {
		name string
		s    share.Selection
		want []string
	}{
		{"the newest of a name", share.Selection{Images: []string{"ZZCI - Ubuntu"}, Pick: share.Newest}, []string{fresh}},
		{"all of a name", share.Selection{Images: []string{"ZZCI - Ubuntu"}, Pick: share.All}, []string{old, fresh}},
		{"glob", share.Selection{Glob: "ZZCI - *", Pick: share.All}, []string{old, fresh, hidden}},
		{"glob of one character", share.Selection{Glob: "ZZCI - CentOS ?"}, []string{hidden}},
		{"a glob is no substring", share.Selection{Glob: "CentOS", Pick: share.All}, nil},
		{"tags", share.Selection{Tags: []string{"ci", "old"}}, []string{hidden}},
		{"properties", share.Selection{Properties: map[string]string{"os": "ubuntu"}, Pick: share.Newest}, []string{fresh}},
		{"name and property", share.Selection{Images: []string{"ZZCI - Ubuntu"}, Properties: map[string]string{"os": "centos"}}, nil},
		{"ids and a name, once each", share.Selection{Images: []string{old, hidden, "ZZCI - CentOS 7"}}, []string{old, hidden}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := share.PlanAdd(t.Context(), w.clouds, share.AddOptions{Selection: c.s, To: []string{"member-a"}})
			if c.want == nil {
				wantKind(t, err, fault.NotFound)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range p.Lines() {
				got = append(got, r.ImageID)
			}
			if strings.Join(sorted(got...), " ") != strings.Join(sorted(c.want...), " ") {
				t.Errorf("images %q, want %q", got, c.want)
			}
		})
	}
}

func TestAddLeavesAPublicImageAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.imageOf("admin", "public", map[string]any{"visibility": "public"})
	w.writesNothing(func() {
		p, err := share.PlanAdd(t.Context(), w.clouds, share.AddOptions{Selection: images(id), From: "admin", To: []string{"member-a"}})
		w.apply(p, err)
		if !p.Done() || !strings.Contains(p.Lines()[0].Note, "visible to all") {
			t.Errorf("plan is %+v", p.Lines())
		}
	})
}

// A project that rejected isn't overruled, neither with an admin's credentials nor with its own,
// unless that is asked for.
func TestAddAfterRejection(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.imageOf("admin", "web", map[string]any{"visibility": "shared"})
	if err := w.sandbox.SetMember(id, w.project("member-a"), glance.Rejected); err != nil {
		t.Fatal(err)
	}
	for _, o := range []share.AddOptions{
		{Selection: images(id), From: "admin", Projects: []string{w.project("member-a")}},
		{Selection: images(id), From: "admin", To: []string{"member-a", "member-b"}},
	} {
		wantKind(t, w.add(o), fault.Partial, "has rejected image", "accept_rejected = true")
		if got := w.sandbox.Members(id)[w.project("member-a")]; got != glance.Rejected {
			t.Errorf("an add made a rejected member %s", got)
		}
		o.AcceptRejected = true
		w.mustAdd(o)
		if got := w.sandbox.Members(id)[w.project("member-a")]; got != glance.Accepted {
			t.Errorf("overruled, the member is %s", got)
		}
		if err := w.sandbox.SetMember(id, w.project("member-a"), glance.Rejected); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.sandbox.Members(id)[w.project("member-b")]; got != glance.Accepted {
		t.Errorf("beside one that rejected, the member is %q", got)
	}
}

func TestAddSaysHowManyFitTheQuota(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{ImageQuotas: sandbox.ImageQuotas{Members: 2}})
	id := w.image("web", nil)
	before := w.tree(id)
	err := w.add(share.AddOptions{Selection: images(id), To: []string{"member-a", "member-b", "other"}})
	wantKind(t, err, fault.Quota, "2 of 3 projects got in")
	if after := w.tree(id); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
}

func TestAddToDisabledProject(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	w.project("member-a") // while it can log in
	id := w.imageOf("admin", "web", nil)
	disable(t, w, "member-a", http.MethodPatch)
	wantKind(t, w.add(share.AddOptions{Selection: images(id), From: "admin", Projects: []string{"member-a"}}), fault.Conflict, "disabled")
}

// A private image may keep members that nobody can list. Sharing it with somebody must not give
// them their access back by the way.
func TestAddDoesNotWakeMembersOfAPrivateImage(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.image("web", nil)
	w.member(id, "member-a", glance.Accepted)
	w.makePrivate(id)
	before := w.tree(id)
	err := w.add(share.AddOptions{Selection: images(id), To: []string{"member-b"}})
	wantKind(t, err, fault.Conflict, w.project("member-a"), "resume")
	if after := w.tree(id); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
	w.mustAdd(share.AddOptions{Selection: images(id), To: []string{"member-a"}})
	w.expectMembers(id, map[string]string{"member-a": glance.Accepted})
}

func TestExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.image("web", nil)
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	w.mustAdd(share.AddOptions{Selection: images(id), From: "demo", To: []string{"member-a"}, Tuning: share.Tuning{Expires: end}})
	w.mustAdd(share.AddOptions{Selection: images(id), From: "demo", To: []string{"member-b"}})
	want := `{"` + w.project("member-a") + `":"` + end.Format(time.RFC3339) + `"}`
	if got := w.get(id).Properties[share.ExpiresKey]; got != want {
		t.Errorf("%s is %s, want %s", share.ExpiresKey, got, want)
	}
	w.writesNothing(func() {
		w.mustAdd(share.AddOptions{Selection: images(id), From: "demo", To: []string{"member-a"}, Tuning: share.Tuning{Expires: end}})
		p, err := share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{From: "demo", Selection: images(id), Expired: true})
		w.apply(p, err)
	})

	w.mustAdd(share.AddOptions{
		Selection: images(id), From: "demo", To: []string{"member-b"},
		Tuning: share.Tuning{Expires: time.Now().Add(-time.Minute)},
	})
	p, err := share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{From: "demo", Expired: true})
	w.apply(p, err)
	w.expectMembers(id, map[string]string{"member-a": glance.Accepted})
	if got := w.get(id).Properties[share.ExpiresKey]; got != want {
		t.Errorf("afterwards %s is %s, want %s", share.ExpiresKey, got, want)
	}

	p, err = share.PlanRemove(t.Context(), w.clouds, share.RemoveOptions{Selection: images(id), From: "demo", To: []string{"member-a"}})
	w.apply(p, err)
	if got, ok := w.get(id).Properties[share.ExpiresKey]; ok {
		t.Errorf("with nobody left %s is still %s", share.ExpiresKey, got)
	}
}

func TestApplyTellsProgress(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	id := w.image("web", nil)
	p, err := share.PlanAdd(t.Context(), w.clouds, share.AddOptions{Selection: images(id), To: []string{"member-a", "member-b"}})
	if err != nil {
		t.Fatal(err)
	}
	var c counter
	if err := share.Apply(t.Context(), p, &c); err != nil {
		t.Fatal(err)
	}
	if c.done.Load() != 2 || c.total.Load() != 2 {
		t.Errorf("progress ended at %d of %d", c.done.Load(), c.total.Load())
	}
}

// A single project is done at once: it has no progress to look at.
func TestApplyTellsNoProgressOfOneProject(t *testing.T) {
	t.Parallel()
	w := newSandbox(t, sandbox.Options{})
	p, err := share.PlanAdd(t.Context(), w.clouds, share.AddOptions{Selection: images(w.image("web", nil)), To: []string{"member-a"}})
	if err != nil {
		t.Fatal(err)
	}
	var c counter
	if err := share.Apply(t.Context(), p, &c); err != nil {
		t.Fatal(err)
	}
	if total := c.total.Load(); total != 0 {
		t.Errorf("it tells progress of %d", total)
	}
}

var _ report.Reporter = (*counter)(nil)
