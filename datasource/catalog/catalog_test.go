package catalog

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

func (o options) and(more options) options {
	all := options{}
	for _, from := range []options{o, more} {
		maps.Copy(all, from)
	}
	return all
}

// login are the options that reach the sandbox as a user of a project of the same name.
func login(c *sandbox.Cloud, user string) options {
	return options{
		"identity_endpoint": c.URL() + "/identity/v3",
		"username":          user, "password": c.Password(user), "tenant_name": user, "domain_name": "Default",
	}
}

const (
	here = "0f7a4b9a-54b0-4f27-9d0c-6f3c8c1d1a02"
	gone = "0f7a4b9a-54b0-4f27-9d0c-6f3c8c1d1a01"
)

// files are the options that name a profile and its maps.
func files(t *testing.T, version string) options {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"web.json": `{"system": {"personality": {"name": "web"}, "archetype": {"name": "site"}, "network": {"hostname": "web-image"},
			"os": {"architecture": "x86_64", "distribution": {"name": "sl"}, "version": {"name": "` + version + `"}}},
			"metadata": {"template": {"branch": {"name": "prod", "type": "domain"}}}}`,
		"template-map.json":  `{"DEFAULT": ["/etc/packer-utils/templates/managed.json"], "web-image": ["/web.json"]}`,
		"source-images.json": `{"sl": {"7x-x86_64": "` + here + `", "6x": "` + gone + `"}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return options{
		"profile":       filepath.Join(dir, "web.json"),
		"template_map":  filepath.Join(dir, "template-map.json"),
		"source_images": filepath.Join(dir, "source-images.json"),
	}
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

func TestExecuteGivesTheRecipe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options options
		want    map[string]cty.Value
	}{
		{"by personality", nil, map[string]cty.Value{
			"name": cty.StringVal("sl7x-x86_64 web"), "key": cty.StringVal("web-sl7x-x86_64"),
			"templates": cty.ListVal([]cty.Value{cty.StringVal("/etc/packer-utils/templates/managed.json")}),
		}},
		{"by host name", options{"name_style": "hostname"}, map[string]cty.Value{
			"name": cty.StringVal("web-image"), "key": cty.StringVal("web-image"),
			"templates": cty.ListVal([]cty.Value{cty.StringVal("/web.json")}),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := look(t, files(t, "7x").and(c.options).and(options{"metadata": map[string]string{
				"AQ_DOMAIN": "",
				"OWNER":     `"me" $IMAGE`,
			}}))
			if err != nil {
				t.Fatal(err)
			}
			if digest := got["digest"].AsString(); len(digest) != 64 {
				t.Errorf("digest is %q", digest)
			}
			delete(got, "digest")
			maps.Copy(c.want, map[string]cty.Value{
				"source_image": cty.StringVal(here), "personality": cty.StringVal("web"), "archetype": cty.StringVal("site"),
				"os": cty.StringVal("sl"), "os_version": cty.StringVal("7x"), "architecture": cty.StringVal("x86_64"),
				"hostname": cty.StringVal("web-image"),
				"metadata": cty.MapVal(map[string]cty.Value{
					"AQ_PERSONALITY": cty.StringVal("web"), "AQ_ARCHETYPE": cty.StringVal("site"), "AQ_OS": cty.StringVal("sl"),
					"AQ_OSVERSION": cty.StringVal("7x-x86_64"), "OWNER": cty.StringVal(`"me" $IMAGE`),
				}),
			})
			show := cmp.Transformer("show", func(v cty.Value) string { return v.GoString() })
			if diff := cmp.Diff(c.want, got, show); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExecuteAsksTheCloud(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	if _, err := c.AddImage(sandbox.Image{
		Project: "demo", Data: []byte("x"), ID: here, Name: "sl7", Visibility: "private",
		DiskFormat: "raw",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := look(t, files(t, "7x").and(login(c, "demo"))); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]options{
		"an image that is gone":    files(t, "6x").and(login(c, "demo")),
		"an image of another":      files(t, "7x").and(login(c, "member-a")),
		"credentials that are not": files(t, "7x").and(login(c, "demo")).and(options{"password": "wrong"}),
	} {
		if _, err := look(t, o); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	before := len(c.Requests())
	if _, err := look(t, files(t, "6x").and(login(c, "demo")).and(options{"check_source_image": false})); err != nil {
		t.Error(err)
	}
	if n := len(c.Requests()) - before; n > 0 {
		t.Errorf("%d requests though the image isn't to be looked up", n)
	}
}

func TestExecuteAsksAsTheEnvironmentSays(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	t.Setenv("OS_CLIENT_CONFIG_FILE", c.CloudsYAML())
	t.Setenv("OS_CLOUD", "demo")
	if _, err := look(t, files(t, "7x")); err == nil || !strings.Contains(err.Error(), here) {
		t.Errorf("the error is %v, want one about image %s", err, here)
	}
}

func TestExecuteFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options options
		want    string
	}{
		"no profile":       {options{"profile": "/none/web.json"}, "reading /none/web.json: no such file"},
		"no template map":  {options{"template_map": "/none/map.json"}, "reading /none/map.json: no such file"},
		"no source images": {options{"source_images": "/none/images.json"}, "reading /none/images.json: no such file"},
		"another version":  {files(t, "8x"), `no entry for it; did you mean "sl7x-x86_64"?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := look(t, files(t, "7x").and(c.options))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "data source openstack-catalog") {
				t.Errorf("the error is %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestConfigureFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options options
		want    string
	}{
		"no profile":      {options{}, "reading profile: it is missing"},
		"another style":   {options{"profile": "p", "name_style": "x"}, `reading name_style "x": choose one of personality, hostname`},
		"another option":  {options{"profile": "p", "source_image": "x"}, "source_image"},
		"half a log-in":   {options{"profile": "p", "identity_endpoint": "http://127.0.0.1", "password": "x"}, "username"},
		"unknown is fine": {options{"profile": "<unknown>", "name_style": "<unknown>"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := new(Datasource).Configure(map[string]any(c.options))
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("the error is %v, want one that says %q", err, c.want)
			}
		})
	}
}
