package openstack

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// add adds an image of the project that builds.
func (w *world) add(i sandbox.Image) string {
	w.t.Helper()
	i.Project, i.Data = "demo", []byte("old")
	id, err := w.AddImage(i)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestSourceImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.add(sandbox.Image{Name: "debian-13-a", Tags: []string{"ready"}, Visibility: "private"})
	second := w.add(sandbox.Image{Name: "debian-13-b", Visibility: "private", Properties: map[string]string{"os_codename": "trixie"}})
	hidden := w.add(sandbox.Image{Name: "debian-14", Hidden: true, Visibility: "private"})
	filter := func(filters map[string]any, more map[string]any) map[string]any {
		return map[string]any{"source_image": nil, "source_image_filter": with(map[string]any{"filters": filters}, more)}
	}
	for _, tt := range []struct {
		name   string
		more   map[string]any
		source string
		kind   fault.Kind
		want   []string
	}{
		{"id", nil, w.source, 0, nil},
		{"URL", map[string]any{"source_image": w.URL() + "/image/v2/images/" + w.source}, w.source, 0, nil},
		{"name", map[string]any{"source_image": nil, "source_image_name": "debian-12"}, w.source, 0, nil},
		{"expression, sorted", filter(map[string]any{"name_regex": `^debian-13-`},
			map[string]any{"most_recent": true, "sort": "name:desc"}), second, 0, nil},
		{"property", filter(map[string]any{
			"properties": map[string]string{"os_codename": "trixie"}, "name": "debian-13-b",
			"visibility": "private",
		}, nil), second, 0, nil},
		{"hidden", filter(map[string]any{"hidden": true}, nil), hidden, 0, nil},
		{
			"several", filter(map[string]any{"name_regex": `^debian-13-`}, nil), "", fault.Ambiguous,
			[]string{"source_image_filter:", "debian-13-a", second, "most_recent"},
		},
		{
			"none", filter(map[string]any{"tags": []string{"ready", "prod"}}, nil), "", fault.NotFound,
			[]string{"source_image_filter:", "prod"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			artifact, out, err := w.build(t.Context(), tt.more, nil)
			if tt.source == "" {
				if !fault.Is(err, tt.kind) {
					t.Errorf("%s: %v, want %s", fault.KindOf(err), err, tt.kind)
				}
				for _, want := range tt.want {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%v, want %q in it", err, want)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err, out)
			}
			if got := artifact.State("source_image_id"); got != tt.source {
				t.Errorf("built from %v, want %s", got, tt.source)
			}
		})
	}
}

func TestNameConflict(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		policy    string
		protected bool
		images    int // of the name afterwards
		failed    string
	}{
		{"allow", false, 2, ""},
		{"fail", false, 1, "project \"demo\" has an image of the name already"},
		{"replace", false, 1, ""},
		{"replace", true, 1, "can't be replaced: it is protected"},
	} {
		t.Run(tt.policy, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{})
			old := w.add(sandbox.Image{Name: "web-base", Visibility: "private", Protected: tt.protected})
			w.add(sandbox.Image{Name: "web-base-2", Visibility: "private"})
			// Another project's image of the name is none of ours.
			if _, err := w.AddImage(sandbox.Image{
				Name: "web-base", Visibility: "public", Project: "member-a",
				Data: []byte("x"),
			}); err != nil {
				t.Fatal(err)
			}
			_, out, err := w.build(t.Context(), map[string]any{"image_name_conflict": tt.policy}, nil)
			if tt.failed == "" && err != nil || tt.failed != "" && (err == nil || !strings.Contains(err.Error(), tt.failed)) {
				t.Errorf("%v\n%s", err, out)
			}
			ids := w.named("web-base")
			if len(ids) != tt.images {
				t.Errorf("images %v of the name, want %d", ids, tt.images)
			}
			if tt.policy == "replace" && tt.failed == "" && ids[0] == old {
				t.Error("the old image stays")
			}
			if len(w.named("web-base-2")) != 1 {
				t.Error("an image of another name is gone")
			}
			w.leavesNothing(out)
		})
	}
}

func TestMembers(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	t.Setenv("OS_CLIENT_CONFIG_FILE", w.CloudsYAML())
	a, b := w.ProjectID("member-a"), w.ProjectID("member-b")
	for _, tt := range []struct {
		name   string
		more   map[string]any
		a, b   string
		failed string
	}{
		{"pending", nil, "pending", "pending", ""},
		{"accepted with their own credentials", map[string]any{"image_accept_with": []string{"member-a"}}, "accepted", "pending", ""},
		{
			"accepted by an administrator", with(w.login("admin"), map[string]any{"image_auto_accept_members": true}), "accepted",
			"accepted",
			"",
		},
		{"accepted by somebody who may not", map[string]any{"image_auto_accept_members": true}, "", "", "image_accept_with"},
		{"accepted by somebody else", map[string]any{"image_accept_with": []string{"other"}}, "", "", `image_accept_with: project "other"`},
		{"accepted by nobody", map[string]any{"image_accept_with": []string{"nobody"}}, "", "", `no entry "nobody"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			options := with(map[string]any{"image_visibility": "shared", "image_members": []string{a, b, a}, "image_name": tt.name},
				tt.more)
			artifact, out, err := w.build(t.Context(), options, nil)
			w.leavesNothing(out)
			if tt.failed != "" {
				if err == nil || !strings.Contains(err.Error(), tt.failed) {
					t.Errorf("%v, want %q in it", err, tt.failed)
				}
				if ids := w.named(tt.name); len(ids) > 0 {
					t.Errorf("left image %v", ids)
				}
				return
			}
			if err != nil {
				t.Fatal(err, out)
			}
			admin := w.connect("admin")
			members, err := admin.images.Members(t.Context(), artifact.Id())
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, m := range members {
				got[m.ProjectID] = m.Status
			}
			if len(got) != 2 || got[a] != tt.a || got[b] != tt.b {
				t.Errorf("members %v", got)
			}
			if img, _ := admin.images.Image(t.Context(), artifact.Id()); img.Visibility != glance.Shared || img.Hidden {
				t.Errorf("image %+v", img)
			}
		})
	}
}
