package promote_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// promoted runs a promotion as a caller does: plan, then apply.
func promoted(t *testing.T, site promote.Site, o promote.Options) (promote.Result, error) {
	t.Helper()
	plan, err := promote.NewPlan(t.Context(), site, o)
	if err != nil {
		return promote.Result{}, err
	}
	return promote.Apply(t.Context(), site, plan, report.Discard)
}

func mustPromote(t *testing.T, site promote.Site, o promote.Options) promote.Result {
	t.Helper()
	r, err := promoted(t, site, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPromotionArchivesTheImageBeforeAndKeepsItsMembers(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	v := &watched{}
	var r promote.Result
	v.during(n, func() { r = mustPromote(t, n.site(), n.options()) })

	v.report(t)
	n.check(t, n.fresh)
	n.archived(t, n.old)
	if left := n.watcher.members(t, n.old); len(left) != 0 {
		t.Errorf("the archived image still has members %v", left)
	}
	if !r.Changed || r.Archived[n.old] == "" || r.Members != 2 {
		t.Errorf("result is %+v", r)
	}
}

func TestPromotionAgainChangesNothing(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	mustPromote(t, n.site(), n.options())
	n.forget()

	r := mustPromote(t, n.site(), n.options())

	if r.Changed {
		t.Error("the second promotion says that it changed something")
	}
	for _, q := range n.served() {
		if q.Method != http.MethodGet {
			t.Errorf("the second promotion sent %s %s", q.Method, q.Path)
		}
	}
	n.check(t, n.fresh)
}

func TestPlanWritesNothing(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	n.forget()
	keep := 0
	plan, err := promote.NewPlan(t.Context(), n.site(), promote.Options{
		ImageID: n.fresh, Name: n.name, CopyProperties: []string{"os_*"}, OldAction: promote.Hide, Retain: &keep,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range n.served() {
		if q.Method != http.MethodGet {
			t.Errorf("planning sent %s %s", q.Method, q.Path)
		}
	}
	text := strings.Join(plan.Changes(), "\n")
	for _, want := range []string{
		fmt.Sprintf("name becomes %q", n.name), `name becomes "archive ` + n.name, "member " + n.a.project + " becomes accepted",
		`property os_distro = "debian"`, "loses 2 members", ": hide", "deleted",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan doesn't say %q:\n%s", want, text)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		change func(*promote.Options)
		check  func(t *testing.T, n *name)
	}{
		{"members = copy keeps the old image's members", func(o *promote.Options) {
			o.Members = promote.Copy
		}, func(t *testing.T, n *name) {
			n.check(t, n.fresh)
			if len(n.watcher.members(t, n.old)) != 2 {
				t.Error("the archived image lost members")
			}
		}},
		{"members = none shares nothing", func(o *promote.Options) {
			o.Members, o.Visibility = promote.None, glance.Private
		}, func(t *testing.T, n *name) {
			if img := n.watcher.image(t, n.fresh); img.Visibility != glance.Private || img.Name != n.name {
				t.Errorf("image is %v, %s", img, img.Visibility)
			}
			if len(n.watcher.members(t, n.old)) != 2 {
				t.Error("the archived image lost members")
			}
		}},
		{"member_states = accept accepts for all", func(o *promote.Options) {
			o.MemberStates = promote.Accept
		}, func(t *testing.T, n *name) {
			want := map[string]string{n.a.project: glance.Accepted, n.b.project: glance.Accepted}
			if got := n.watcher.members(t, n.fresh); !maps.Equal(got, want) {
				t.Errorf("members are %v, want %v", got, want)
			}
		}},
		{"old_action = hide", func(o *promote.Options) { o.OldAction = promote.Hide }, func(t *testing.T, n *name) {
			n.check(t, n.fresh)
			if !n.watcher.image(t, n.old).Hidden {
				t.Error("the archived image isn't hidden")
			}
		}},
		{"old_action = deactivate", func(o *promote.Options) { o.OldAction = promote.Deactivate }, func(t *testing.T, n *name) {
			n.check(t, n.fresh)
			if s := n.watcher.image(t, n.old).Status; s != glance.StatusDeactivated {
				t.Errorf("the archived image is %s", s)
			}
		}},
		{"copy_properties", func(o *promote.Options) { o.CopyProperties = []string{"os_*"} }, func(t *testing.T, n *name) {
			if got := n.watcher.image(t, n.fresh).Properties["os_distro"]; got != "debian" {
				t.Errorf("os_distro is %q", got)
			}
		}},
		{`copy_properties = ["*"] leaves what belongs to the old image's data`, func(o *promote.Options) {
			o.CopyProperties = []string{"*"}
		}, func(t *testing.T, n *name) {
			got := n.watcher.image(t, n.fresh).Properties
			for _, key := range []string{
				"cinder_encryption_key_id", "os_encrypt_format", "block_device_mapping", "img_signature", "base_image_ref",
			} {
				if v, ok := got[key]; ok {
					t.Errorf("the new image has the old one's %s %q", key, v)
				}
			}
			if got["os_distro"] != "debian" {
				t.Errorf("os_distro is %q", got["os_distro"])
			}
		}},
		{"keep = 0 deletes the archive", func(o *promote.Options) { o.Retain = new(int) }, func(t *testing.T, n *name) {
			n.check(t, n.fresh)
			if _, err := n.admin.Image(t.Context(), n.old); !fault.Is(err, fault.NotFound) {
				t.Errorf("the archived image is there: %v", err)
			}
		}},
		{"strategy = pointer renames nothing", func(o *promote.Options) { o.Strategy = promote.Pointer }, func(t *testing.T, n *name) {
			img := n.watcher.image(t, n.fresh)
			if img.Properties[promote.CurrentKey] != n.name || img.Name == n.name {
				t.Errorf("image %s has %v", img, img.Properties)
			}
			if old := n.watcher.image(t, n.old); old.Name != n.name {
				t.Errorf("the image before is called %q", old.Name)
			}
		}},
		{"archive_name", func(o *promote.Options) {
			o.ArchiveName = "{{ .Name }}@{{ .CreatedAt }}-{{ .ID }}"
		}, func(t *testing.T, n *name) {
			if old := n.watcher.image(t, n.old); !strings.HasPrefix(old.Name, n.name+"@20") || !strings.HasSuffix(old.Name, n.old) {
				t.Errorf("the archived image is called %q", old.Name)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := w.newName("web " + strings.ReplaceAll(c.name, " ", "-"))
			o := n.options()
			c.change(&o)
			mustPromote(t, n.site(), o)
			c.check(t, n)
			if r := mustPromote(t, n.site(), o); r.Changed {
				t.Error("promoting again changed something")
			}
		})
	}
}

func TestPointerMovesOnWithTheMembers(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("family")
	first := n.options()
	first.ImageID, first.Strategy = n.old, promote.Pointer
	mustPromote(t, n.site(), first)
	second := n.options()
	second.Strategy = promote.Pointer
	mustPromote(t, n.site(), second)

	if p := n.watcher.image(t, n.old).Properties; p[promote.CurrentKey] != "" || p[promote.ArchivedFromKey] != n.name {
		t.Errorf("the image before has %v", p)
	}
	if p := n.watcher.image(t, n.fresh).Properties; p[promote.CurrentKey] != n.name {
		t.Errorf("the current image has %v", p)
	}
	want := map[string]string{n.a.project: glance.Accepted, n.b.project: glance.Pending}
	if got := n.watcher.members(t, n.fresh); !maps.Equal(got, want) {
		t.Errorf("members are %v, want %v", got, want)
	}
}

func TestOldImagePromotedAgainIsARollback(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	mustPromote(t, n.site(), n.options())
	mustPromote(t, n.site(), promote.Options{ImageID: n.old}) // its own name is the one from before archiving

	n.check(t, n.old)
	n.archived(t, n.fresh)
	if p := n.watcher.image(t, n.old).Properties; p[promote.ArchivedFromKey] != "" {
		t.Errorf("the current image still says that it is archived: %v", p)
	}
}

func TestFreshImageOfTheNameIsLeftToItsOwnPromotion(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	// Another build's image, already under the final name, not yet promoted.
	other := n.image(n.name, map[string]any{cloud.RunKey: "another"})

	mustPromote(t, n.site(), n.options())
	if img := n.watcher.image(t, other); img.Name != n.name {
		t.Fatalf("the other build's image was archived as %q", img.Name)
	}
	mustPromote(t, n.site(), promote.Options{ImageID: other})
	n.check(t, other)
	n.archived(t, n.fresh)
	n.archived(t, n.old)
}

func TestAdminCredentialsStayWithTheOwner(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	site := promote.Site{Images: n.admin.Client, Project: n.admin.project, Admin: true, Run: "admin-run"}
	mustPromote(t, site, n.options())
	n.check(t, n.fresh)
}

func TestGate(t *testing.T) {
	t.Parallel()
	n := newWorld(t).newName("web-base")
	o := n.options()
	seen := filepath.Join(t.TempDir(), "seen")
	o.Gate = []string{"sh", "-c", `echo "$IMAGE_ID" > "$0"; exit 3`, seen}
	n.forget()
	_, err := promoted(t, n.site(), o)
	if err == nil || !strings.Contains(err.Error(), "gate") || !strings.Contains(err.Error(), "exit status 3") {
		t.Fatalf("error is %v", err)
	}
	for _, q := range n.served() {
		if q.Method != http.MethodGet {
			t.Errorf("a refused image led to %s %s", q.Method, q.Path)
		}
	}
	if got, _ := os.ReadFile(seen); strings.TrimSpace(string(got)) != n.fresh {
		t.Errorf("the gate was given %q", got)
	}
	o.Gate[2] = `echo "$IMAGE_ID" > "$0"`
	mustPromote(t, n.site(), o)
	n.check(t, n.fresh)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		kind   fault.Kind
		text   string
		change func(n *name, s *promote.Site, o *promote.Options)
	}{
		{"an image that isn't there", fault.NotFound, "image_id", func(_ *name, _ *promote.Site, o *promote.Options) {
			o.ImageID = "00000000-0000-4000-8000-000000000000"
		}},
		{"an image without data", fault.Conflict, "queued", func(n *name, _ *promote.Site, o *promote.Options) {
			img, err := n.owner.Create(n.t.Context(), map[string]any{"name": "x", "nonce": "q"}, "nonce", "q")
			if err != nil {
				n.t.Fatal(err)
			}
			o.ImageID = img.ID
		}},
		{"another project's image", fault.Forbidden, "belongs to project", func(n *name, s *promote.Site, o *promote.Options) {
			id := n.imageOf(n.other, "theirs", map[string]any{"visibility": "community"})
			o.ImageID = id
		}},
		{"a name that belongs to another project", fault.Conflict, "image_name: image", func(n *name, _ *promote.Site, o *promote.Options) {
			n.imageOf(n.admin, n.name+" public", map[string]any{"visibility": "public"})
			o.Name = n.name + " public"
		}},
		{"a name of another project, too", fault.Conflict, "image_name: image", func(n *name, _ *promote.Site, o *promote.Options) {
			n.imageOf(n.admin, n.name+" public", map[string]any{"visibility": "public"})
			o.ImageID, o.Name = n.image(n.name+" public", nil), ""
		}},
		{"members that can't be accepted for", fault.Forbidden, "accept_with", func(_ *name, s *promote.Site, _ *promote.Options) {
			s.Acceptors = nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := w.newName("refused " + c.name)
			site, o := n.site(), n.options()
			c.change(n, &site, &o)
			n.forget()
			_, err := promoted(t, site, o)
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error is %v (%s), want %q of kind %s", err, fault.KindOf(err), c.text, c.kind)
			}
			for _, q := range n.served() {
				if q.Method != http.MethodGet {
					t.Errorf("a refused promotion sent %s %s", q.Method, q.Path)
				}
			}
		})
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	minus := -1
	for _, c := range []struct {
		name string
		o    promote.Options
		want string // "" = good
	}{
		{"defaults", promote.Options{}, ""},
		{"members", promote.Options{Members: "all"}, "members: "},
		{"member_states", promote.Options{MemberStates: "yes"}, "member_states: "},
		{"visibility", promote.Options{Visibility: "protected"}, "visibility: "},
		{"old_action", promote.Options{OldAction: "delete"}, "old_action: "},
		{"strategy", promote.Options{Strategy: "both"}, "strategy: "},
		{"keep", promote.Options{Retain: &minus}, "keep: "},
		{"archive name that repeats in a day", promote.Options{ArchiveName: "archive {{ .Name }} {{ .Date }}"}, "archive_name: two images"},
		{"properties of other data", promote.Options{CopyProperties: []string{"os_*", "bdm_v2"}}, "copy_properties: property"},
		{"property pattern that doesn't parse", promote.Options{CopyProperties: []string{"os_["}}, "copy_properties: "},
		{"empty property pattern", promote.Options{CopyProperties: []string{""}}, "copy_properties: "},
		{"archive name to the second", promote.Options{ArchiveName: "archive {{ .Name }} {{ .Time }}"}, ""},
		{"archive name with an unknown field", promote.Options{ArchiveName: "{{ .Nmae }}"}, "archive_name: not a template of"},
		{"archive name that doesn't parse", promote.Options{ArchiveName: "{{ .Name "}, "archive_name: not a template"},
		{"archive name that gets too long", promote.Options{Name: strings.Repeat("n", 250)}, "archive_name: "},
		{"name that is too long", promote.Options{Name: strings.Repeat("ü", 256)}, "image_name: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			errs := c.o.Validate()
			if c.want == "" && len(errs) > 0 {
				t.Fatalf("refused: %v", errs)
			}
			if c.want == "" {
				return
			}
			for _, err := range errs {
				if strings.HasPrefix(err.Error(), c.want) {
					return
				}
			}
			t.Errorf("errors are %v, want one that begins with %q", errs, c.want)
		})
	}
}
