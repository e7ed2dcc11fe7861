package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

const (
	sl6 = "0f7a4b9a-54b0-4f27-9d0c-6f3c8c1d1a01"
	sl7 = "0f7a4b9a-54b0-4f27-9d0c-6f3c8c1d1a02"
)

// profile is the JSON of a profile; an empty value leaves its field out.
func profile(personality, os, version, host, branch string) string {
	var system []string
	add := func(value, format string) {
		if value != "" {
			system = append(system, fmt.Sprintf(format, value))
		}
	}
	add(personality, `"personality": {"name": %q}`)
	add(host, `"network": {"hostname": %q}`)
	add(os, `"os": {"distribution": {"name": %q}, "architecture": "x86_64", "version": {"name": "`+version+`"}}`)
	return `{"system": {` + strings.Join(system, ",") + `}, "metadata": {"template": {"branch": ` + branch + `}}}`
}

const prod = `{"name": "prod", "type": "domain"}`

func parsed[T any](t *testing.T, parse func(string, []byte) (*T, error), source, text string) *T {
	t.Helper()
	v, err := parse(source, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The example files that packuilon comes with, in both shapes.
func TestResolveTakesPackuilonsFiles(t *testing.T) {
	t.Parallel()
	managed, unmanaged := "/etc/packer-utils/templates/managed.json", "/etc/packer-utils/templates/unmanaged.json"
	templates, err := LoadTemplateMap(t.Context(), "testdata/template-map.json")
	if err != nil {
		t.Fatal(err)
	}
	meta := func(personality, version string) map[string]string {
		return map[string]string{"AQ_PERSONALITY": personality, "AQ_OS": "sl", "AQ_OSVERSION": version + "-x86_64", "AQ_DOMAIN": "prod"}
	}
	for _, shape := range []string{"testdata/source-images.json", "testdata/source-images-nested.json"} {
		sources, err := LoadSourceImages(t.Context(), shape)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name, profile string
			options       Options
			want          Recipe
		}{
			{
				"DEFAULT", profile("web", "sl", "7x", "", prod),
				Options{},
				Recipe{"sl7x-x86_64 web", "web-sl7x-x86_64", sl7, []string{unmanaged, managed}, meta("web", "7x")},
			},
			{
				"an entry replaces DEFAULT", profile("test", "sl", "7x", "", prod),
				Options{},
				Recipe{"sl7x-x86_64 test", "test-sl7x-x86_64", sl7, []string{managed}, meta("test", "7x")},
			},
			{
				"an empty entry builds nothing", profile("batch", "sl", "7x", "", prod),
				Options{},
				Recipe{"sl7x-x86_64 batch", "batch-sl7x-x86_64", sl7, []string{}, meta("batch", "7x")},
			},
			{
				"another version", profile("web", "sl", "6x", "", prod),
				Options{},
				Recipe{"sl6x-x86_64 web", "web-sl6x-x86_64", sl6, []string{unmanaged, managed}, meta("web", "6x")},
			},
			{
				"by host name", profile("web", "sl", "7x", "test-sl7x-x86_64", prod),
				Options{NameStyle: ByHostname},
				Recipe{"test-sl7x-x86_64", "test-sl7x-x86_64", sl7, []string{managed}, meta("web", "7x")},
			},
		} {
			t.Run(filepath.Base(shape)+" "+c.name, func(t *testing.T) {
				t.Parallel()
				got, err := Resolve(parsed(t, ParseProfile, "p.json", c.profile), templates, sources, c.options)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, *got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestResolveMetadata(t *testing.T) {
	t.Parallel()
	p, err := LoadProfile(t.Context(), "testdata/profile.json")
	if err != nil {
		t.Fatal(err)
	}
	sandbox := parsed(t, ParseProfile, "p", profile("a \"b\" $IMAGE", "sl", "7x", "",
		`{"name": "trial", "type": "sandbox", "author": "ann"}`))
	for _, c := range []struct {
		name string
		p    *Profile
		more map[string]string
		want map[string]string
	}{
		{"all that the profile says", p, nil, map[string]string{
			"AQ_PERSONALITY": "web", "AQ_ARCHETYPE": "site", "AQ_OS": "sl", "AQ_OSVERSION": "7x-x86_64", "AQ_DOMAIN": "prod",
		}},
		{"replaced, added, taken out", p, map[string]string{"AQ_DOMAIN": "test", "OWNER": "me", "AQ_ARCHETYPE": ""}, map[string]string{
			"AQ_PERSONALITY": "web", "AQ_OS": "sl", "AQ_OSVERSION": "7x-x86_64", "AQ_DOMAIN": "test", "OWNER": "me",
		}},
		{"a sandbox, and text as it is", sandbox, nil, map[string]string{
			"AQ_PERSONALITY": "a \"b\" $IMAGE", "AQ_OS": "sl", "AQ_OSVERSION": "7x-x86_64", "AQ_SANDBOX": "ann/trial",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := Resolve(c.p, nil, nil, Options{Metadata: c.more})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, r.Metadata); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResolveFails(t *testing.T) {
	t.Parallel()
	web := profile("web", "sl", "7x", "", prod)
	for _, c := range []struct {
		name, profile, templates, sources string
		options                           Options
		kind                              fault.Kind
		want                              []string
	}{
		{
			"no template and no DEFAULT", web, `{"wbe-sl7x-x86_64": [], "other": []}`, "",
			Options{},
			fault.NotFound,
			[]string{`templates of "web-sl7x-x86_64" in map.json`, "no DEFAULT", `did you mean "wbe-sl7x-x86_64"?`},
		},
		{
			"the nearest first", web, `{"web-sl6x-x86": [], "web-sl7x-x86-64": []}`, "",
			Options{},
			fault.NotFound,
			[]string{`did you mean "web-sl7x-x86-64" or "web-sl6x-x86"?`},
		},
		{
			"nothing like it", web, `{"completely-different-thing": []}`, "",
			Options{},
			fault.NotFound,
			[]string{`; add it, or an entry "DEFAULT"`},
		},
		{
			"no source image", web, "", `{"sl6x-x86_64": "` + sl6 + `", "zzzz": "x"}`,
			Options{},
			fault.NotFound,
			[]string{`source image of "sl7x-x86_64" in images.json`, `did you mean "sl6x-x86_64"?`},
		},
		{
			"no source image, nested", web, "", `{"sl": {"6x-x86_64": "` + sl6 + `"}, "slx": {"7x-x86_64": "` + sl6 + `"}}`,
			Options{},
			fault.NotFound,
			[]string{`did you mean "sl6x-x86_64" or "slx7x-x86_64"?`},
		},
		{
			"a source image that is none", web, "", `{"sl7x-x86_64": "this-is-not-valid"}`,
			Options{},
			fault.Usage,
			[]string{`"this-is-not-valid" is not an image id`},
		},
		{
			"both shapes disagree", web, "", `{"sl7x-x86_64": "` + sl6 + `", "sl": {"7x-x86_64": "` + sl7 + `"}}`,
			Options{},
			fault.Ambiguous,
			[]string{`entries "sl7x-x86_64" and "sl 7x-x86_64" name different images`},
		},
		{"no host name", web, "", "", Options{NameStyle: ByHostname}, fault.Usage, []string{"p.json: it has no system.network.hostname"}},
		{"an unknown style", web, "", "", Options{NameStyle: "x"}, fault.Usage, []string{`name_style: "x"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var templates *TemplateMap
			if c.templates != "" {
				templates = parsed(t, ParseTemplateMap, "map.json", c.templates)
			}
			var sources *SourceImages
			if c.sources != "" {
				sources = parsed(t, ParseSourceImages, "images.json", c.sources)
			}
			_, err := Resolve(parsed(t, ParseProfile, "p.json", c.profile), templates, sources, c.options)
			wantError(t, err, c.kind, c.want...)
		})
	}
}

func wantError(t *testing.T, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("the error is %v (%s), want one that is %s", err, fault.KindOf(err), kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is\n%v\nand doesn't say\n%s", err, part)
		}
	}
}

func TestParsersSayWhere(t *testing.T) {
	t.Parallel()
	asProfile := func(source string, b []byte) error { _, err := ParseProfile(source, b); return err }
	asTemplates := func(source string, b []byte) error { _, err := ParseTemplateMap(source, b); return err }
	asSources := func(source string, b []byte) error { _, err := ParseSourceImages(source, b); return err }
	for _, c := range []struct {
		name  string
		parse func(string, []byte) error
		text  string
		want  []string
	}{
		{"nothing", asTemplates, "", []string{"reading f:1:1: the document ends too early"}},
		{"cut", asTemplates, "{\n  \"a\": [", []string{"f:2:9: the document ends too early"}},
		{"a comma too many", asTemplates, "{\n  \"a\": [],\n}", []string{"f:3:1: this is not JSON"}},
		{"no quotes", asSources, "{\n  sl: 1}", []string{"f:2:3: this is not JSON"}},
		{
			"twice", asSources, "{\n \"a\": \"1\",\n \"b\": \"2\",\n \"a\": \"3\"}",
			[]string{`f:4:2: key "a" is duplicate; it is first on line 2`},
		},
		{"twice, deeper", asProfile, `{"system": {"x": 1, "x": 2}}`, []string{`f:1:21: key "x" is duplicate`}},
		{"more behind it", asTemplates, "{}\n{}", []string{"f:2:1: text follows the end of the document"}},
		{"not UTF-8", asTemplates, "{\"\xff\": []}", []string{"f:1:3: this is not UTF-8"}},
		{"columns are characters", asTemplates, `{"äöü": 1}`, []string{`f:1:9: "äöü": expected a list of templates, this is a number`}},
		{"too deep", asTemplates, strings.Repeat("[", 2000), []string{"nested deeper than 500"}},
		{
			"a template map that is a list", asTemplates, "[]",
			[]string{"f:1:1: a template map must be an object of lists, this is an array"},
		},
		{"a template that is a number", asTemplates, `{"a": ["x", 7]}`, []string{`f:1:13: "a": a template must be the path`}},
		{"source images that are text", asSources, `"x"`, []string{"source images must be an object"}},
		{"an id that is a list", asSources, `{"sl": {"7x": []}}`, []string{`f:1:15: "7x": expected an image id, this is an array`}},
		{
			"a profile that lacks it all", asProfile, `{}`,
			[]string{"f: it has no system.personality.name, system.os.distribution.name, system.os.version.name, system.os.architecture"},
		},
		{
			"a profile with other things", asProfile, `{"system": {"personality": "web"}}`,
			[]string{"f:1:28: system.personality: expected an object, this is a string"},
		},
		{"a profile that is a list", asProfile, `[]`, []string{"f:1:1: the profile: expected an object, this is an array"}},
		{
			"a name that is a number", asProfile, `{"system": {"personality": {"name": 1}}}`,
			[]string{"system.personality.name: expected a string, this is a number"},
		},
		{
			"a branch that is none", asProfile, profile("web", "sl", "7x", "", `{"name": ["x"]}`),
			[]string{"metadata.template.branch.name: expected a string, this is an array"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantError(t, c.parse("f", []byte(c.text)), fault.Usage, c.want...)
		})
	}
}

func TestDigestKnowsWhatCounts(t *testing.T) {
	t.Parallel()
	digest := func(text string) string { return parsed(t, ParseProfile, "p", text).Digest }
	web := profile("web", "sl", "7x", "h", prod)
	if a, b := digest(web), digest(strings.ReplaceAll(web, " ", "\n\t")); a != b {
		t.Errorf("white space changes the digest: %s, %s", a, b)
	}
	if a, b := digest(web), digest(strings.Replace(web, "prod", "test", 1)); a == b {
		t.Error("another domain has the same digest")
	}
}

func TestRelativeTemplatesAreBesideTheirMap(t *testing.T) {
	t.Parallel()
	m := parsed(t, ParseTemplateMap, filepath.Join("etc", "template-map.json"), `{"DEFAULT": ["templates/web.pkr.hcl", "/abs/x.json"]}`)
	got, err := m.For("x")
	if want := []string{"etc/templates/web.pkr.hcl", "/abs/x.json"}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	m = parsed(t, ParseTemplateMap, "http://x.example.com/template-map.json", `{"DEFAULT": ["templates/web.pkr.hcl"]}`)
	if got, err := m.For("x"); err != nil || got[0] != "templates/web.pkr.hcl" {
		t.Errorf("a map from a server gives %v, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"template-map.json", "source-images.json", "source-images-nested.json", "profile.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{
		"", "{", `{"a":1,"a":2}`, `[[[[`, `{"a":`, "\xff", `{"system":{"os":null}}`, `{"":[""]}`, "null",
		`{"a":{"b":"c"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, derr := ParseDocument("f", text)
		for name, err := range map[string]error{
			"document": derr, "profile": second(ParseProfile("f", text)),
			"templates": second(ParseTemplateMap("f", text)), "sources": second(ParseSourceImages("f", text)),
		} {
			if err != nil && (!fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "reading f")) {
				t.Errorf("%s: %v (%s)", name, err, fault.KindOf(err))
			}
			if derr != nil && err == nil {
				t.Errorf("%s takes what is no document: %v", name, derr)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }
