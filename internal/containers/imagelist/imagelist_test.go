package imagelist_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imagelist"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/render"
)

func TestMain(m *testing.M) {
	render.Main()
	os.Exit(m.Run())
}

// cases are the variables that the original code was run with for each release.
var cases = map[string]imagelist.Variables{
	"defaults":        {},
	"ovn":             {"neutron_driver": "ovn"},
	"other":           {"neutron_driver": "other"},
	"null_driver":     {"neutron_driver": nil},
	"ceph_off":        {"ceph_images": false},
	"ovn_ceph_off":    {"neutron_driver": "ovn", "ceph_images": false},
	"prefix_nohyphen": {"name_prefix": "p", "name_suffix": "s", "namespace": "192.0.2.0:8787/t", "tag": "l"},
	"empty_prefix":    {"name_prefix": "", "name_suffix": "", "namespace": "ns", "tag": "x"},
	"rhel":            {"rhel_containers": true},
	"odl":             {"neutron_driver": "odl"},
}

// TestHyphens joins a prefix and a suffix to the name by one hyphen each.
func TestHyphens(t *testing.T) {
	t.Parallel()
	for given, want := range map[[2]string][2]string{
		{"prefix", "suffix"}: {"prefix-", "-suffix"}, {"prefix-", "-suffix"}: {"prefix-", "-suffix"}, {"", ""}: {"", ""},
	} {
		got := imagelist.Variables{"tag": "l"}.With(imagelist.Variables{"name_prefix": given[0], "name_suffix": given[1]})
		if got["name_prefix"] != want[0] || got["name_suffix"] != want[1] || got["tag"] != "l" {
			t.Errorf("%q: %v, want %q", given, got, want)
		}
	}
}

// fingerprint is the SHA-256 of a list in canonical JSON.
func fingerprint(t *testing.T, images []imagelist.Image) string {
	t.Helper()
	var all []map[string]any
	for _, i := range images {
		m := map[string]any{"imagename": i.Name, "image_source": i.Source}
		if len(i.Params) > 0 {
			m["params"] = i.Params
		}
		if len(i.Services) > 0 {
			m["services"] = i.Services
		}
		all = append(all, m)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// testdata/renders.json holds fingerprints of what TripleO's own code rendered, by release and case.
func TestBuiltInListsGiveTripleOsAnswers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "renders.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string]map[string]struct {
		Images int
		SHA256 string
	}
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	for _, release := range imagelist.Releases() {
		list, err := imagelist.ByName(release)
		if err != nil {
			t.Fatal(err)
		}
		for name, variables := range cases {
			images, err := list.Render(t.Context(), list.Defaults().With(variables))
			if err != nil {
				t.Fatal(err)
			}
			want := recorded[release][name]
			if len(images) != want.Images || fingerprint(t, images) != want.SHA256 {
				t.Errorf("%s, %s: %d images, %s; recorded %d, %s", release, name, len(images), fingerprint(t, images), want.Images,
					want.SHA256)
			}
		}
	}
}

// TripleO's own templates aren't ours to ship; where they are at hand, they have to render as recorded.
func TestOriginalTemplatesRenderUnchanged(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("IMGCTL_TRIPLEO_FACTS")
	if folder == "" {
		t.Skip("IMGCTL_TRIPLEO_FACTS names no folder with TripleO's templates and recorded renders")
	}
	for _, release := range imagelist.Releases() {
		list, err := imagelist.ByName(release)
		if err != nil {
			t.Fatal(err)
		}
		template, err := imagelist.FromFile(filepath.Join(folder, "templates", release, "tripleo_containers.yaml.j2"))
		if err != nil {
			t.Fatal(err)
		}
		for name, variables := range cases {
			t.Run(release+"/"+name, func(t *testing.T) {
				t.Parallel()
				v := list.Defaults().With(variables)
				got, err := template.Render(t.Context(), v)
				if err != nil {
					t.Fatal(err)
				}
				want, err := list.Render(t.Context(), v)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(want) || fingerprint(t, got) != fingerprint(t, want) {
					t.Errorf("the template renders %d images, the built-in list has %d, and they differ", len(got), len(want))
				}
			})
		}
	}
}

func TestTemplateOfOnesOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "list.j2", `container_images_template:
{# what every deployment has #}
- imagename: "{{namespace}}/{{name_prefix}}api{{name_suffix}}:{{tag}}"
  image_source: kolla
  params: [ApiImage]
  services: [Api]
{% if extra is defined and extra | default(true) %}
{% include 'extra.j2' %}
{% elif driver == "x" %}
- {imagename: "{{namespace}}/x:{{tag}}", params: [XImage]}
{% else %}
- {imagename: "{{namespace}}/none{{missing}}:{{tag}}"}
{% endif %}
{% for n in ["a", "b"] %}
- {imagename: "{{namespace}}/{{n}}:{{tag}}", params: ["{{n | upper}}Image"]}
{% endfor %}
`)
	write(t, dir, "extra.j2", `- {imagename: "{{namespace}}/extra:{{tag}}"}`)
	template, err := imagelist.FromFile(filepath.Join(dir, "list.j2"))
	if err != nil {
		t.Fatal(err)
	}
	base := imagelist.Variables{"namespace": "quay.io/t", "name_prefix": "p", "tag": int64(17)}
	for want, v := range map[string]imagelist.Variables{
		"quay.io/t/p-api:17 quay.io/t/extra:17 quay.io/t/a:17 quay.io/t/b:17": {"extra": true},
		"quay.io/t/p-api:17 quay.io/t/x:17 quay.io/t/a:17 quay.io/t/b:17":     {"extra": false, "driver": "x"},
		"quay.io/t/p-api:17 quay.io/t/none:17 quay.io/t/a:17 quay.io/t/b:17":  {},
	} {
		images, err := template.Render(t.Context(), base.With(v))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, i := range images {
			names = append(names, i.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%v gives\n%s, not\n%s", v, got, want)
		}
	}
}

func TestHostileTemplates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a loop without end":    {`{% for a in range(1000000000) %}{% for b in range(1000000000) %}{% endfor %}{% endfor %}`, "too "},
		"a loop that writes":    {`{% for a in range(100000000) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}`, ""},
		"itself":                {`{% include 'list.j2' %}`, "files included"},
		"a macro calls itself":  {`{% macro m(x) %}{{ m(x) }}{{ m(x) }}{% endmacro %}{{ m(1) }}`, ""},
		"a file elsewhere":      {`{% include '/etc/passwd' %}`, "own folder"},
		"a file above":          {`{% include '../../etc/passwd' %}`, "own folder"},
		"never closed":          {"{% if a %}\nsecret text", "can't be parsed"},
		"no list":               {`images: []`, "renders no container_images_template"},
		"a list of nothing":     {"container_images_template:\n- {}", "no imagename"},
		"a list of the unknown": {"container_images_template: 7", "has to be a list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "list.j2", c.text)
			template, err := imagelist.FromFile(filepath.Join(dir, "list.j2"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = template.Render(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v; it should say %q", err, c.want)
			}
			if strings.Contains(err.Error(), "secret text") || len(err.Error()) > 1000 {
				t.Errorf("it says too much: %v", err)
			}
			t.Log(err)
		})
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
