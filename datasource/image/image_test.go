package image

import (
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// The options say which cloud is meant; what the caller's environment says must not matter.
func TestMain(m *testing.M) {
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "OS_") {
			_ = os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

type options map[string]any

// login are the options that reach the sandbox as a user of a project of the same name.
func login(c *sandbox.Cloud, user string) options {
	return options{
		"identity_endpoint": c.URL() + "/identity/v3",
		"username":          user, "password": c.Password(user), "tenant_name": user, "domain_name": "Default",
	}
}

func (o options) and(more options) options {
	all := options{}
	for _, from := range []options{o, more} {
		maps.Copy(all, from)
	}
	return all
}

func look(t *testing.T, o options) (map[string]cty.Value, error) {
	t.Helper()
	var d Datasource
	if err := d.Configure(map[string]any(o)); err != nil {
		t.Fatalf("configuring: %v", err)
	}
	v, err := d.Execute()
	if err != nil {
		return nil, err
	}
	return v.AsValueMap(), nil
}

func add(t *testing.T, c *sandbox.Cloud, i sandbox.Image) string {
	t.Helper()
	if i.Data == nil {
		i.Data = []byte("data of " + i.Name)
	}
	id, err := c.AddImage(i)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestExecuteGivesWhatTheImageIs(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	id := add(t, c, sandbox.Image{
		Project: "demo", Data: []byte("hello"), Name: "web-base", Visibility: "private", DiskFormat: "raw",
		MinDisk: 3, MinRAM: 256,
		Tags: []string{"web", "golden"}, Properties: map[string]string{"os_distro": "debian"},
	})

	got, err := look(t, login(c, "demo").and(options{"name": "web-base"}))
	if err != nil {
		t.Fatal(err)
	}
	created, err := time.Parse(time.RFC3339, got["created_at"].AsString())
	if err != nil || time.Since(created) > time.Minute {
		t.Errorf("created_at is %v (%v)", got["created_at"], err)
	}
	if hash := got["os_hash"].AsString(); got["os_hash_algo"].AsString() != "sha512" || len(hash) != 128 {
		t.Errorf("os_hash is %s %q", got["os_hash_algo"].AsString(), hash)
	}
	delete(got, "created_at")
	delete(got, "os_hash")
	delete(got, "os_hash_algo")
	want := map[string]cty.Value{
		"id": cty.StringVal(id), "name": cty.StringVal("web-base"), "owner": cty.StringVal(c.ProjectID("demo")),
		"visibility": cty.StringVal("private"), "checksum": cty.StringVal("5d41402abc4b2a76b9719d911017c592"),
		"size": cty.NumberIntVal(5), "disk_format": cty.StringVal("raw"),
		"min_disk": cty.NumberIntVal(3), "min_ram": cty.NumberIntVal(256),
		"tags":       cty.ListVal([]cty.Value{cty.StringVal("golden"), cty.StringVal("web")}),
		"properties": cty.MapVal(map[string]cty.Value{"os_distro": cty.StringVal("debian")}),
	}
	show := cmp.Transformer("show", func(v cty.Value) string { return v.GoString() })
	if diff := cmp.Diff(want, got, show); diff != "" {
		t.Error(diff)
	}
}

func TestExecuteSelects(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	old := time.Now().Add(-48 * time.Hour)
	ids := map[string]string{}
	for name, i := range map[string]sandbox.Image{
		"old":     {Project: "demo", Name: "web", Visibility: "private", CreatedAt: old, Tags: []string{"lts"}},
		"new":     {Project: "demo", Name: "web", Visibility: "private", Properties: map[string]string{"os_distro": "debian"}},
		"hidden":  {Project: "demo", Name: "web", Visibility: "private", Hidden: true},
		"longer":  {Project: "demo", Name: "web-customer", Visibility: "private"},
		"foreign": {Project: "member-a", Name: "theirs", Visibility: "community"},
		"shared":  {Project: "member-a", Name: "offer", Visibility: "shared", Members: map[string]string{"demo": "pending"}},
		"public":  {Project: "admin", Name: "debian-12", Visibility: "public"},
	} {
		ids[name] = add(t, c, i)
	}
	for _, test := range []struct {
		name string
		o    options
		want string
	}{
		{"the newest of a name", options{"name": "web", "most_recent": true}, "new"},
		{"the first of an order", options{"name": "web", "most_recent": true, "sort": "created_at:asc"}, "old"},
		{"by tag", options{"name": "web", "tags": []string{"lts"}}, "old"},
		{"by property", options{"properties": map[string]string{"os_distro": "debian"}}, "new"},
		{"only hidden ones", options{"name": "web", "hidden": true}, "hidden"},
		{"by a pattern", options{"name_regex": "^web-.*"}, "longer"},
		{"old enough", options{"name": "web", "min_age": "24h"}, "old"},
		{"young enough", options{"name": "web", "max_age": "24h"}, "new"},
		{"by id, hidden or not", options{"id": ids["hidden"]}, "hidden"},
		{"somebody's community image", options{"name": "theirs", "visibility": "community"}, "foreign"},
		{"a share not accepted yet", options{"name": "offer", "member_status": "pending"}, "shared"},
		{"by owner", options{"owner": c.ProjectID("admin")}, "public"},
		{"its own project's", options{"owner": "self", "name_regex": "customer$"}, "longer"},
		{"by visibility", options{"name_regex": ".", "visibility": "public"}, "public"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := look(t, login(c, "demo").and(test.o))
			if err != nil {
				t.Fatal(err)
			}
			if got["id"].AsString() != ids[test.want] {
				t.Errorf("found %q, want %s", got["name"].AsString(), test.want)
			}
		})
	}
}

func TestExecuteRefusesToGuess(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	first := add(t, c, sandbox.Image{Project: "demo", Name: "web", Visibility: "private"})
	second := add(t, c, sandbox.Image{Project: "demo", Name: "web", Visibility: "private"})

	_, err := look(t, login(c, "demo").and(options{"name": "web"}))
	for _, want := range []string{"2 images", `name "web"`, first, second, "most_recent"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	_, err = look(t, login(c, "demo").and(options{
		"name": "web", "tags": []string{"lts"},
		"properties": map[string]string{"os_distro": "debian"},
	}))
	for _, want := range []string{"no image", `name "web"`, `tag "lts"`, "os_distro", "debian"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestConfigureAsksNobody(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	var d Datasource
	if err := d.Configure(map[string]any(login(c, "demo").and(options{"name": "web"}))); err != nil {
		t.Fatal(err)
	}
	if asked := c.Requests(); len(asked) > 0 {
		t.Errorf("%d requests, the first %s %s", len(asked), asked[0].Method, asked[0].Path)
	}
	for _, option := range []string{
		"id", "name", "name_regex", "owner", "visibility", "member_status", "status", "sort", "password",
		"identity_endpoint",
	} {
		if err := new(Datasource).Configure(map[string]any(login(c, "demo").and(options{"name": "web", option: unknown}))); err != nil {
			t.Errorf("%s not known yet: %v", option, err)
		}
	}
}

func TestConfigureRefuses(t *testing.T) {
	t.Parallel()
	access := options{"identity_endpoint": "http://127.0.0.1:1/v3", "token": "t", "tenant_id": "p"}
	for _, test := range []struct {
		name string
		o    options
		want []string
	}{
		{"nothing to go by", options{"hidden": true}, []string{"at least one of", "name_regex"}},
		{"a broken pattern", options{"name_regex": "web["}, []string{"name_regex", "missing closing ]"}},
		{"a made up visibility", options{"name": "web", "visibility": "protected"}, []string{"visibility", "protected", "community"}},
		{"a made up member status", options{"name": "web", "member_status": "yes"}, []string{"member_status", "accepted"}},
		{"a made up status", options{"name": "web", "status": "ok"}, []string{"status", "deactivated"}},
		{"a made up sort key", options{"name": "web", "sort": "age"}, []string{"sort", "age", "created_at"}},
		{"a made up direction", options{"name": "web", "sort": "name:down"}, []string{"sort", "asc or desc"}},
		{"ages that exclude each other", options{"name": "web", "min_age": "2h", "max_age": "1h"}, []string{"min_age", "max_age"}},
		{"a negative age", options{"name": "web", "min_age": "-2h"}, []string{"min_age", "negative"}},
		{"an unknown option", options{"nam": "web"}, []string{"nam"}},
	} {
		err := new(Datasource).Configure(map[string]any(access.and(test.o)))
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v does not say %q", test.name, err, want)
			}
		}
	}
}
