package glance_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

type fixture struct {
	*testing.T
	*glance.Client
	sandbox *sandbox.Cloud
	project string
}

func start(t *testing.T) *fixture {
	t.Helper()
	s := sandboxtest.Start(t, sandbox.Options{})
	f := &fixture{T: t, sandbox: s}
	f.Client, f.project = f.as("demo")
	return f
}

// as connects with the credentials of an entry of the sandbox's clouds.yaml.
func (f *fixture) as(name string) (*glance.Client, string) {
	f.Helper()
	f.Setenv("OS_CLIENT_CONFIG_FILE", f.sandbox.CloudsYAML())
	c, err := cloud.Connect(f.Context(), cloud.Access{Cloud: name})
	if err != nil {
		f.Fatal(err)
	}
	sc, err := c.Image()
	if err != nil {
		f.Fatal(err)
	}
	return glance.New(sc), c.Project().ID
}

func (f *fixture) image(attributes map[string]any) *glance.Image {
	f.Helper()
	a := map[string]any{"disk_format": "raw", "container_format": "bare", "nonce": string(cloud.NewRun())}
	maps.Copy(a, attributes)
	img, err := f.Create(f.Context(), a, "nonce", a["nonce"].(string))
	if err != nil {
		f.Fatal(err)
	}
	if err := f.Upload(f.Context(), img.ID, strings.NewReader("data")); err != nil {
		f.Fatal(err)
	}
	return img
}

// A name is found exactly, whatever the service reads into it.
func TestNamesAreFoundExactly(t *testing.T) {
	f := start(t)
	names := []string{
		"web", "web,db", "in:web", "web:latest", "eq:web", `say "web"`, `a"b:c`, `back\slash`, "100% web", "web ", "wéb", "a&b=c+d",
		strings.Repeat("n", 255),
	}
	ids := map[string]string{}
	for _, name := range names {
		ids[name] = f.image(map[string]any{"name": name}).ID
	}
	for _, name := range names {
		found, err := f.Images(t.Context(), glance.Query{Name: name})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if len(found) != 1 || found[0].ID != ids[name] {
			t.Errorf("%q finds %v", name, found)
		}
	}
}

func TestSelect(t *testing.T) {
	f := start(t)
	base := f.image(map[string]any{"name": "web-1", "os_distro": "debian", "tags": []string{"base", "ci"}, "visibility": "private"})
	second := f.image(map[string]any{"name": "web-2", "os_distro": "ubuntu", "tags": []string{"base"}})
	f.image(map[string]any{"name": "db", "os_hidden": true})
	other, _ := f.as("other")
	theirs, err := other.Create(t.Context(), map[string]any{
		"name": "theirs", "visibility": "community", "nonce": "x", "disk_format": "raw",
		"container_format": "bare",
	}, "nonce", "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Upload(t.Context(), theirs.ID, strings.NewReader("data")); err != nil {
		t.Fatal(err)
	}
	queued, err := f.Create(t.Context(), map[string]any{"name": "queued", "nonce": "y"}, "nonce", "y")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		s    glance.Selector
		want []string
	}{
		{"by name", glance.Selector{Name: "web-1"}, []string{"web-1"}},
		{"names are exact", glance.Selector{Name: "web"}, nil},
		{"by regular expression", glance.Selector{NameRegex: regexp.MustCompile(`^web-\d$`)}, []string{"web-1", "web-2"}},
		{"by property", glance.Selector{Properties: map[string]string{"os_distro": "debian"}}, []string{"web-1"}},
		{
			"by attribute as a property",
			glance.Selector{Properties: map[string]string{"disk_format": "raw"}, Owner: f.project},
			[]string{"web-1", "web-2"},
		},
		{"an attribute's value is no operator", glance.Selector{
			Properties: map[string]string{"disk_format": "in:raw,qcow2"},
			Owner:      f.project,
		}, nil},
		{"an attribute's value is no range", glance.Selector{Properties: map[string]string{"size": "gte:1"}, Owner: f.project}, nil},
		{"by a number", glance.Selector{Properties: map[string]string{"size": "4"}, Owner: f.project}, []string{"web-1", "web-2"}},
		{"a property isn't a parameter of the list", glance.Selector{Properties: map[string]string{"limit": "0"}, Owner: f.project}, nil},
		{
			"nor one that widens it",
			glance.Selector{Properties: map[string]string{"visibility": "private"}, Owner: f.project},
			[]string{"web-1"},
		},
		{"an empty value isn't any", glance.Selector{Properties: map[string]string{"os_distro": "", "nothing": ""}, Owner: f.project}, nil},
		{"by all tags", glance.Selector{Tags: []string{"base", "ci"}}, []string{"web-1"}},
		{"by visibility", glance.Selector{Visibility: "private"}, []string{"web-1"}},
		{"by owner", glance.Selector{Owner: theirs.Owner, Visibility: "all"}, []string{"theirs"}},
		{"others' community images only when asked for", glance.Selector{Name: "theirs"}, nil},
		{"hidden ones", glance.Selector{Hidden: true}, []string{"db"}},
		{"by status", glance.Selector{Status: "queued"}, []string{"queued"}},
		{"by id", glance.Selector{ID: base.ID}, []string{"web-1"}},
		{"by id and name", glance.Selector{ID: base.ID, Name: "web-2"}, nil},
		{"an id that isn't there", glance.Selector{ID: "00000000-0000-4000-8000-000000000000"}, nil},
		{"too young", glance.Selector{Name: "web-1", MinAge: 1 << 40}, nil},
		{"young enough", glance.Selector{Name: "web-1", MaxAge: 1 << 40}, []string{"web-1"}},
		{"sorted by the service", glance.Selector{NameRegex: regexp.MustCompile("^web"), Sort: "name:desc"}, []string{"web-2", "web-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := f.Select(t.Context(), c.s)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range found {
				if c.s.Owner != "" || i.Owner == f.project {
					got = append(got, i.Name)
				}
			}
			if c.s.Sort == "" {
				slices.Sort(got)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
	t.Run("one of several", func(t *testing.T) {
		several := glance.Selector{NameRegex: regexp.MustCompile("^web")}
		_, err := f.One(t.Context(), several, false)
		if !fault.Is(err, fault.Ambiguous) || !strings.Contains(err.Error(), base.ID) || !strings.Contains(err.Error(), second.ID) {
			t.Errorf("error is %v, want one that lists both images", err)
		}
		if _, err := f.One(t.Context(), several, true); err != nil {
			t.Error(err)
		}
		_, err = f.One(t.Context(), glance.Selector{Name: "nothing", Tags: []string{"base"}}, false)
		if !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), `name "nothing", status "active", tag "base"`) {
			t.Errorf("error is %v, want one that says what was looked for", err)
		}
	})
	_ = queued
}

func TestImagesReadsAllPages(t *testing.T) {
	f := start(t)
	for n := range 1100 {
		nonce := fmt.Sprint(n)
		if _, err := f.Create(t.Context(), map[string]any{"name": "many", "nonce": nonce}, "nonce", nonce); err != nil {
			t.Fatal(err)
		}
	}
	found, err := f.Images(t.Context(), glance.Query{Name: "many"})
	if err != nil || len(found) != 1100 {
		t.Errorf("found %d images, %v", len(found), err)
	}
}

// Whatever happens to the answer of a write, the caller learns whether it took effect.
func TestLostAnswers(t *testing.T) {
	f := start(t)
	member, project := f.as("member-a")
	ctx := t.Context()
	for _, c := range []struct {
		name   string
		method string
		path   string
		write  func(id string) error
		done   func(id string) bool
	}{
		{"patch", "PATCH", "/image/v2/images/*", func(id string) error {
			_, err := f.Update(ctx, id, glance.Patch{}.Name("new").Hidden(true).Set("a", "1").Remove("old").Tags([]string{"t"}).MinDisk(3))
			return err
		}, func(id string) bool {
			img, err := f.Image(ctx, id)
			_, old := img.Properties["old"]
			return err == nil && img.Name == "new" && img.Hidden && img.Properties["a"] == "1" && !old && img.MinDisk == 3
		}},
		{
			"add member", "POST", "/image/v2/images/*/members", func(id string) error { return f.AddMember(ctx, id, project) },
			func(id string) bool {
				m, err := f.Member(ctx, id, project)
				return err == nil && m.Status == glance.Pending
			},
		},
		{"accept", "PUT", "/image/v2/images/*/members/*", func(id string) error {
			if err := f.AddMember(ctx, id, project); err != nil {
				return err
			}
			return member.SetMemberStatus(ctx, id, project, glance.Accepted)
		}, func(id string) bool {
			m, err := f.Member(ctx, id, project)
			return err == nil && m.Status == glance.Accepted
		}},
		{"remove member", "DELETE", "/image/v2/images/*/members/*", func(id string) error {
			if err := f.AddMember(ctx, id, project); err != nil {
				return err
			}
			return f.RemoveMember(ctx, id, project)
		}, func(id string) bool {
			_, err := f.Member(ctx, id, project)
			return fault.Is(err, fault.NotFound)
		}},
		{
			"deactivate", "POST", "/image/v2/images/*/actions/*", func(id string) error { return f.Deactivate(ctx, id) },
			func(id string) bool {
				img, err := f.Image(ctx, id)
				return err == nil && img.Status == glance.StatusDeactivated
			},
		},
		{"delete", "DELETE", "/image/v2/images/*", func(id string) error { return f.Delete(ctx, id) }, func(id string) bool {
			_, err := f.Image(ctx, id)
			return fault.Is(err, fault.NotFound)
		}},
	} {
		for kind, lost := range map[string]sandbox.Fault{
			"cut before": {Do: sandbox.DropBefore}, "cut after": {Do: sandbox.DropAfter},
			"500 after": sandbox.StatusAfter(http.StatusInternalServerError),
			"429":       {Do: sandbox.Answer, Status: http.StatusTooManyRequests, RetryAfter: "0"},
		} {
			t.Run(c.name+", "+kind, func(t *testing.T) {
				id := f.image(map[string]any{"name": "x", "old": "1"}).ID
				f.sandbox.Faults().Add(sandbox.Rule{Method: c.method, Path: c.path, Nth: 1, Fault: lost})
				defer f.sandbox.Faults().Clear()
				if err := c.write(id); err != nil {
					t.Error(err)
				}
				if !c.done(id) {
					t.Error("the call says that it took effect, and it didn't")
				}
			})
		}
	}
}

// A property is a fence: who changes one that another removed is stopped, as is the whole patch.
// A 404 for what the service has just shown is asked again; one that stays is believed.
func TestContradictingNotFoundIsAskedAgain(t *testing.T) {
	f := start(t)
	ctx := t.Context()
	member, project := f.as("member-a")
	for what, do := range map[string]func(id string) error{
		"reading":      func(id string) error { _, err := f.Image(ctx, id); return err },
		"updating":     func(id string) error { _, err := f.Update(ctx, id, glance.Patch{}.Set("a", "b")); return err },
		"deactivating": func(id string) error { return f.Deactivate(ctx, id) },
		"listing members": func(id string) error {
			members, err := f.Members(ctx, id)
			if err == nil && len(members) != 1 {
				return fmt.Errorf("members are %v", members)
			}
			return err
		},
		"reading a member":  func(id string) error { _, err := f.Member(ctx, id, project); return err },
		"accepting":         func(id string) error { return member.SetMemberStatus(ctx, id, project, glance.Accepted) },
		"adding a member":   func(id string) error { return f.AddMember(ctx, id, f.project) },
		"removing a member": func(id string) error { return f.RemoveMember(ctx, id, project) },
		"deleting":          func(id string) error { return f.Delete(ctx, id) },
	} {
		id := f.image(map[string]any{"name": what, "visibility": "shared"}).ID
		if err := f.AddMember(ctx, id, project); err != nil {
			t.Fatal(err)
		}
		f.sandbox.ResetRequests()
		f.sandbox.Faults().Add(sandbox.Rule{Path: "/image/**", Nth: 1, Fault: sandbox.Status(http.StatusNotFound)})
		if err := do(id); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		f.sandbox.Faults().Clear()
		if sent := f.sandbox.Requests(); len(sent) != 2 || sent[0].Method != sent[1].Method || sent[0].Path != sent[1].Path {
			t.Errorf("%s: sent %v, want the same twice", what, sent)
		}
	}
	id := f.image(map[string]any{"name": "gone"}).ID
	if err := f.Delete(ctx, id); err != nil {
		t.Fatal(err)
	}
	f.sandbox.ResetRequests()
	if _, err := f.Image(ctx, id); !fault.Is(err, fault.NotFound) || len(f.sandbox.Requests()) != 1 {
		t.Errorf("a deleted image: %v after %d requests", err, len(f.sandbox.Requests()))
	}
}

func TestChangeOfAMissingPropertyIsRefused(t *testing.T) {
	f := start(t)
	id := f.image(map[string]any{"name": "x"}).ID
	_, err := f.Update(t.Context(), id, glance.Patch{}.Name("y").Change("journal", "2"))
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("error is %v", err)
	}
	if img, err := f.Image(t.Context(), id); err != nil || img.Name != "x" {
		t.Errorf("a refused patch left %v, %v", img, err)
	}
}

func TestAnIDIsTakenOnce(t *testing.T) {
	f := start(t)
	id := string(cloud.NewRun())
	create := func(run string) error {
		_, err := f.Create(t.Context(), map[string]any{"id": id, "name": "claim", "run": run}, "run", run)
		return err
	}
	if err := create("a"); err != nil {
		t.Fatal(err)
	}
	if err := create("b"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second create says %v", err)
	}
	if err := f.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := create("c"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a create after the deletion says %v", err)
	}
	id = string(cloud.NewRun())
	f.sandbox.Faults().Add(sandbox.Rule{Method: "POST", Path: "/image/v2/images", Nth: 1, Fault: sandbox.Fault{Do: sandbox.DropAfter}})
	if err := create("d"); err != nil {
		t.Errorf("a create whose answer is lost says %v", err)
	}
}
