package glance_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestOnePatchForAll(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := apitest.Login(t, c, "demo")
	id := apitest.AddImage(t, c, sandbox.Image{Name: "staging", Hidden: true, Properties: map[string]string{"old": "1"}}, "x")
	long := strings.Repeat("v", 3000)
	got := demo.Patch(id,
		apitest.Op("replace", "/name", "web"), apitest.Op("replace", "/visibility", "private"), apitest.Op("replace", "/os_hidden", false),
		apitest.Op("add", "/note", long), apitest.Op("replace", "/tags", []string{"b", "a", "b"}),
		apitest.Op("replace", "/protected", true),
		apitest.Op("replace", "/min_disk", 5), apitest.Op("remove", "/old"), apitest.Op("add", "/a~1b", "slash"),
	).Want(t, http.StatusOK)
	want := map[string]any{
		"name": "web", "visibility": "private", "os_hidden": false, "note": long, "tags": []any{"a", "b"}, "protected": true,
		"min_disk": 5.0, "old": nil, "a/b": "slash", "status": "active", "stores": "file", "size": 1.0,
	}
	for k, v := range want {
		if diff := cmp.Diff(v, got.JSON[k]); diff != "" {
			t.Errorf("%s: %s", k, diff)
		}
	}
}

func TestPatchSemantics(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{ImageQuotas: sandbox.ImageQuotas{Properties: 4, Tags: 2}})
	demo := apitest.Login(t, c, "demo")
	for _, tt := range []struct {
		name   string
		ops    any
		status int
		text   string
	}{
		{"add of an existing one overwrites", []any{apitest.Op("add", "/p", "2")}, 200, `"p":"2"`},
		{"replace", []any{apitest.Op("replace", "/p", "3")}, 200, `"p":"3"`},
		{"replace of an absent one", []any{apitest.Op("replace", "/q", "3")}, 409, "Property q does not exist"},
		{"remove", []any{apitest.Op("remove", "/p")}, 200, ""},
		{"remove of an absent one", []any{apitest.Op("remove", "/q")}, 409, "Property q does not exist"},
		{"remove of a base one", []any{apitest.Op("remove", "/name")}, 403, "Property name may not be removed"},
		{
			"test",
			[]any{apitest.Op("test", "/name", "i")},
			400,
			"Invalid operation: `test`. It must be one of the following: add, remove, replace.",
		},
		{"no op", []any{map[string]any{"path": "/x"}}, 400, "Unable to find"},
		{"no path", []any{map[string]any{"op": "add"}}, 400, "Unable to find"},
		{"no value", []any{apitest.Op("add", "/x")}, 400, "requires a member named"},
		{"no slash", []any{apitest.Op("add", "x", "1")}, 400, "does not start with"},
		{"nested", []any{apitest.Op("add", "/x/y", "1")}, 400, "Invalid JSON pointer"},
		{"no list", apitest.Op("add", "/x", "1"), 400, "must be a JSON array"},
		{"no objects", []any{1}, 400, "Operations must be JSON objects"},
		{"number as a property", []any{apitest.Op("add", "/x", 1)}, 400, "not of type"},
		{"unknown visibility", []any{apitest.Op("replace", "/visibility", "protected")}, 400, "is not one of"},
		{"text for a number", []any{apitest.Op("replace", "/min_disk", "5")}, 400, "not of type"},
		{"negative number", []any{apitest.Op("replace", "/min_disk", -5)}, 400, "negative"},
		{"long name", []any{apitest.Op("replace", "/name", strings.Repeat("x", 256))}, 400, "too long"},
		{"reserved name", []any{apitest.Op("add", "/os_glance_x", "1")}, 403, "is reserved"},
		{"reserved", []any{apitest.Op("add", "/deleted", "1")}, 403, "is reserved"},
		{"read-only", []any{apitest.Op("replace", "/checksum", "1")}, 403, "is read-only"},
		{"status", []any{apitest.Op("replace", "/status", "active")}, 403, "is read-only"},
		{"id", []any{apitest.Op("replace", "/id", "x")}, 403, "is read-only"},
		{"format of an active image", []any{apitest.Op("replace", "/disk_format", "raw")}, 403, "only replaced for a queued image"},
		{"tags over quota", []any{apitest.Op("replace", "/tags", []string{"a", "b", "c"})}, 413, "image tags. Attempted: 3, Maximum: 2"},
		{"properties over quota", []any{
			apitest.Op("add", "/a", "1"), apitest.Op("add", "/b", "1"), apitest.Op("add", "/c", "1"),
			apitest.Op("add", "/d", "1"),
		}, 413, "image properties. Attempted: 5, Maximum: 4"},
		{"all or nothing", []any{apitest.Op("replace", "/name", "changed"), apitest.Op("remove", "/absent")}, 409, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := apitest.AddImage(t, c, sandbox.Image{Name: "i", Properties: map[string]string{"p": "1"}}, "x")
			r := apitest.Login(t, c, "demo")
			got := r.Do("PATCH", "/image/v2/images/"+id, tt.ops, "Content-Type", "application/openstack-images-v2.1-json-patch")
			if got.Status != tt.status || !strings.Contains(got.Text, tt.text) {
				t.Errorf("%d %s, want %d %q", got.Status, got.Text, tt.status, tt.text)
			}
			i, _ := c.Image(id)
			if got.Status != 200 && (i.Name != "i" || len(i.Properties) != 1 || len(i.Tags) != 0) {
				t.Errorf("the refused patch changed the image: %+v", i)
			}
		})
	}
	demo.Do("PATCH", "/image/v2/images/x", "[]").Want(t, http.StatusUnsupportedMediaType)
}

func TestCreate(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := apitest.Login(t, c, "demo")
	a := demo.Do("POST", "/image/v2/images", map[string]any{"name": "x", "tags": []string{"t"}, "p": "v"}).Want(t, 201)
	if a.Str("visibility") != "shared" || a.Str("status") != "queued" || a.Str("owner") != c.ProjectID("demo") || a.Str("p") != "v" {
		t.Errorf("created %s", a.Text)
	}
	if loc := a.Header.Get("Location"); loc != c.URL()+"/image/v2/images/"+a.Str("id") {
		t.Errorf("location %q", loc)
	}
	if m := a.Header.Get("OpenStack-image-import-methods"); m != "glance-direct,web-download" {
		t.Errorf("import methods %q", m)
	}
	for name, body := range map[string]any{
		"id":         map[string]any{"id": "not-a-uuid"},
		"format":     map[string]any{"disk_format": "zip"},
		"visibility": map[string]any{"visibility": "protected"},
		"tags":       map[string]any{"tags": "t"},
		"JSON":       "{",
	} {
		if got := demo.Do("POST", "/image/v2/images", body); got.Status != 400 {
			t.Errorf("bad %s: %d %s", name, got.Status, got.Text)
		}
	}
	demo.Do("POST", "/image/v2/images", map[string]any{"os_glance_failed_import": ""}).Want(t, 403)
	demo.Do("POST", "/image/v2/images", map[string]any{"size": 3}).Want(t, 403)
}

func TestTags(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{ImageQuotas: sandbox.ImageQuotas{Tags: 2}})
	demo := apitest.Login(t, c, "demo")
	id := demo.NewImage(map[string]any{"tags": []string{"a"}})
	tags := "/image/v2/images/" + id + "/tags/"
	demo.Do("PUT", tags+"b", nil).Want(t, 204)
	demo.Do("PUT", tags+"b", nil).Want(t, 204)
	demo.Do("PUT", tags+"c", nil).Want(t, 413)
	demo.Do("DELETE", tags+"a", nil).Want(t, 204)
	demo.Do("DELETE", tags+"a", nil).Want(t, 404)
	if got := fmt.Sprint(demo.Do("GET", "/image/v2/images/"+id, nil).JSON["tags"]); got != "[b]" {
		t.Errorf("tags %s", got)
	}
}
