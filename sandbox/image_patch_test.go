package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestOnePatchForAll(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := login(t, c, "demo")
	id := seedImage(t, c, glance.Spec{Name: "staging", Hidden: true, Properties: map[string]string{"old": "1"}}, "x")
	long := strings.Repeat("v", 3000)
	got := demo.patch(id,
		op("replace", "/name", "web"), op("replace", "/visibility", "private"), op("replace", "/os_hidden", false),
		op("add", "/note", long), op("replace", "/tags", []string{"b", "a", "b"}), op("replace", "/protected", true),
		op("replace", "/min_disk", 5), op("remove", "/old"), op("add", "/a~1b", "slash"),
	).want(t, http.StatusOK)
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
	c := sandboxtest.Start(t, sandbox.Options{ImageQuotas: glance.Quotas{Properties: 4, Tags: 2}})
	demo := login(t, c, "demo")
	for _, tt := range []struct {
		name   string
		ops    any
		status int
		text   string
	}{
		{"add of an existing one overwrites", []any{op("add", "/p", "2")}, 200, `"p":"2"`},
		{"replace", []any{op("replace", "/p", "3")}, 200, `"p":"3"`},
		{"replace of an absent one", []any{op("replace", "/q", "3")}, 409, "Property q does not exist"},
		{"remove", []any{op("remove", "/p")}, 200, ""},
		{"remove of an absent one", []any{op("remove", "/q")}, 409, "Property q does not exist"},
		{"remove of a base one", []any{op("remove", "/name")}, 403, "Property name may not be removed"},
		{"test", []any{op("test", "/name", "i")}, 400, "Invalid operation: `test`. It must be one of the following: add, remove, replace."},
		{"no op", []any{map[string]any{"path": "/x"}}, 400, "Unable to find"},
		{"no path", []any{map[string]any{"op": "add"}}, 400, "Unable to find"},
		{"no value", []any{op("add", "/x")}, 400, "requires a member named"},
		{"no slash", []any{op("add", "x", "1")}, 400, "does not start with"},
		{"nested", []any{op("add", "/x/y", "1")}, 400, "Invalid JSON pointer"},
		{"no list", op("add", "/x", "1"), 400, "must be a JSON array"},
		{"no objects", []any{1}, 400, "Operations must be JSON objects"},
		{"number as a property", []any{op("add", "/x", 1)}, 400, "not of type"},
		{"unknown visibility", []any{op("replace", "/visibility", "protected")}, 400, "is not one of"},
		{"text for a number", []any{op("replace", "/min_disk", "5")}, 400, "not of type"},
		{"negative number", []any{op("replace", "/min_disk", -5)}, 400, "negative"},
		{"long name", []any{op("replace", "/name", strings.Repeat("x", 256))}, 400, "too long"},
		{"reserved name", []any{op("add", "/os_glance_x", "1")}, 403, "is reserved"},
		{"reserved", []any{op("add", "/deleted", "1")}, 403, "is reserved"},
		{"read-only", []any{op("replace", "/checksum", "1")}, 403, "is read-only"},
		{"status", []any{op("replace", "/status", "active")}, 403, "is read-only"},
		{"id", []any{op("replace", "/id", "x")}, 403, "is read-only"},
		{"format of an active image", []any{op("replace", "/disk_format", "raw")}, 403, "only replaced for a queued image"},
		{"tags over quota", []any{op("replace", "/tags", []string{"a", "b", "c"})}, 413, "image tags. Attempted: 3, Maximum: 2"},
		{"properties over quota", []any{op("add", "/a", "1"), op("add", "/b", "1"), op("add", "/c", "1"), op("add", "/d", "1")}, 413, "image properties. Attempted: 5, Maximum: 4"},
		{"all or nothing", []any{op("replace", "/name", "changed"), op("remove", "/absent")}, 409, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := seedImage(t, c, glance.Spec{Name: "i", Properties: map[string]string{"p": "1"}}, "x")
			r := login(t, c, "demo")
			got := r.do("PATCH", "/image/v2/images/"+id, tt.ops, "Content-Type", "application/openstack-images-v2.1-json-patch")
			if got.Status != tt.status || !strings.Contains(got.Text, tt.text) {
				t.Errorf("%d %s, want %d %q", got.Status, got.Text, tt.status, tt.text)
			}
			i, _ := c.Image.Image(id)
			if got.Status != 200 && (i.Name != "i" || len(i.Properties) != 1 || len(i.Tags) != 0) {
				t.Errorf("the refused patch changed the image: %+v", i)
			}
		})
	}
	demo.do("PATCH", "/image/v2/images/x", "[]").want(t, http.StatusUnsupportedMediaType)
}

func TestCreate(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	demo := login(t, c, "demo")
	a := demo.do("POST", "/image/v2/images", map[string]any{"name": "x", "tags": []string{"t"}, "p": "v"}).want(t, 201)
	if a.str("visibility") != "shared" || a.str("status") != "queued" || a.str("owner") != c.ProjectID("demo") || a.str("p") != "v" {
		t.Errorf("created %s", a.Text)
	}
	if loc := a.Header.Get("Location"); loc != c.URL()+"/image/v2/images/"+a.str("id") {
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
		if got := demo.do("POST", "/image/v2/images", body); got.Status != 400 {
			t.Errorf("bad %s: %d %s", name, got.Status, got.Text)
		}
	}
	demo.do("POST", "/image/v2/images", map[string]any{"os_glance_failed_import": ""}).want(t, 403)
	demo.do("POST", "/image/v2/images", map[string]any{"size": 3}).want(t, 403)
}

func TestTags(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{ImageQuotas: glance.Quotas{Tags: 2}})
	demo := login(t, c, "demo")
	id := demo.newImage(map[string]any{"tags": []string{"a"}})
	tags := "/image/v2/images/" + id + "/tags/"
	demo.do("PUT", tags+"b", nil).want(t, 204)
	demo.do("PUT", tags+"b", nil).want(t, 204)
	demo.do("PUT", tags+"c", nil).want(t, 413)
	demo.do("DELETE", tags+"a", nil).want(t, 204)
	demo.do("DELETE", tags+"a", nil).want(t, 404)
	if got := fmt.Sprint(demo.do("GET", "/image/v2/images/"+id, nil).JSON["tags"]); got != "[b]" {
		t.Errorf("tags %s", got)
	}
}
