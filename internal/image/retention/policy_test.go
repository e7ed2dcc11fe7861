package retention_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
)

const least = "version: 1\nname: p\nselect: {names: [\"web*\"]}\nstages: {12mo: hide}\n"

// full has all keys that there are.
const full = `version: 1
name: all of it
select:
  names: ["web*"]
  families: [web]
  tags: [ci]
  properties: {os_distro: "deb*", os_version: 12}
  owners: [any]
group: [family, os_distro]
keep: 3
keep_base_name: true
min_age: 45d
age: {from: property, property: build-timestamp, otherwise: superseded}
stages: {30d: deprecate, 6mo: hide, 9mo: community, 10mo: private, 11mo: deactivate, 12mo: trash, 13mo: delete}
skip: [5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4]
skip_in_use: [hide, community]
may_be_missing: [stacks, backups, absent-services, other-projects]
budget: {images: 5, percent: 50}
grace: 14d
`

// policies are files and what is wrong with each, "" for nothing. schema says that the JSON Schema knows, too.
var policies = []struct {
	name, text, wrong string
	schema            bool
}{
	{"the least", least, "", true},
	{"all of it", strings.Replace(full, "backups", "volume-backups", 1), "", true},
	{"JSON", `{"version": 1, "name": "p", "select": {"tags": ["a"]}, "stages": {"0": "hide", "1.5d": "delete"}}`, "", true},
	{"keys for anchors", least + "x-any: {a: b}\n", "", true},
	{"no name", strings.Replace(least, "name: p\n", "", 1), "name: it is missing", true},
	{"an empty name", strings.Replace(least, "name: p", `name: ""`, 1), "a text is expected", true},
	{"no version", strings.Replace(least, "version: 1\n", "", 1), "version: it is missing", true},
	{"another version", strings.Replace(least, "version: 1", "version: 2", 1), "only 1 is known", true},
	{"no selection", strings.Replace(least, `{names: ["web*"]}`, "{}", 1), `all images are names: ["*"]`, true},
	{"a selection of nothing", strings.Replace(least, `{names: ["web*"]}`, "{names: []}", 1), "there are none", true},
	{"owners alone", strings.Replace(least, `{names: ["web*"]}`, "{owners: [any]}", 1), "select needs names", true},
	{"an empty pattern", strings.Replace(least, `"web*"`, `""`, 1), "a text is expected", true},
	{"empty properties", strings.Replace(least, `{names: ["web*"]}`, "{properties: {}}", 1), "select needs names", true},
	{"an unknown key", least + "keeep: 1\n", `"keeep" is unknown here; did you mean "keep"?`, true},
	{"keep none", least + "keep: 0\n", "a whole number from 1 on", true},
	{"no stages", strings.Replace(least, "{12mo: hide}", "{}", 1), "there are none", true},
	{"an unknown action", strings.Replace(least, "hide", "hid", 1), `did you mean "hide"?`, true},
	{"an unknown unit", strings.Replace(least, "12mo", "12x", 1), "unknown unit", true},
	{"part of a month", strings.Replace(least, "12mo", "1.5mo", 1), "no fixed length", false},
	{"a negative age", strings.Replace(least, "12mo", "-1mo", 1), "is negative", true},
	{"two stages of one age", strings.Replace(least, "{12mo: hide}", "{12mo: hide, 1y: delete}", 1), "the same age", false},
	{"delete before hide", strings.Replace(least, "{12mo: hide}", "{12mo: delete, 18mo: hide}", 1), "is not milder", false},
	{"a property without one", least + "age: {from: property}\n", "needs the key property", true},
	{"a property for nothing", least + "age: {from: created, property: x}\n", "needs the key property", true},
	{"otherwise for nothing", least + "age: {from: created, otherwise: superseded}\n", "only from: property", true},
	{"no id", least + "skip: [web]\n", "is no image id", true},
	{"skip nothing", least + "skip: []\n", "there are none", true},
	{"an unknown source", least + "may_be_missing: [stakcs]\n", `did you mean "stacks"?`, true},
	{"too much per cent", least + "budget: {percent: 101}\n", "at most 100", true},
	{"no budget", least + "budget: {images: 0}\n", "a whole number from 1 on", true},
	{"a negative grace", least + "grace: -1d\n", "not negative", true},
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range policies {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := retention.ParsePolicy([]byte(c.text))
			switch {
			case c.wrong == "" && err != nil:
				t.Error(err)
			case c.wrong == "" && (p.Keep == 0 || p.Grace.Text == "" || p.Budget.Images == 0):
				t.Errorf("defaults are missing: %+v", p)
			case c.wrong == "":
			case !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), "line "):
				t.Errorf("error is %v, of kind %s; want usage, with a line, and %q", err, fault.KindOf(err), c.wrong)
			}
		})
	}
}

// The schema is for editors: it accepts what ParsePolicy accepts, and refuses what a schema can.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(retention.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		var value any
		if err := yaml.Unmarshal([]byte(p.text), &value); err != nil {
			t.Fatal(err)
		}
		err := schema.Validate(plain(t, value))
		if p.wrong == "" && err != nil {
			t.Errorf("%s: the schema refuses it: %v", p.name, err)
		}
		if p.wrong != "" && p.schema && err == nil {
			t.Errorf("%s: the schema accepts it", p.name)
		}
	}
	known := doc.(map[string]any)
	properties := known["properties"].(map[string]any)
	for field := range reflect.TypeFor[retention.Policy]().Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if properties[key] == nil || !strings.Contains(full, key+":") {
			t.Errorf("the schema, or the test's policy, lacks %q", key)
		}
	}
	defs := known["$defs"].(map[string]any)
	for name, want := range map[string][]string{"source": retention.MissingWords, "action": retention.Actions} {
		got := defs[name].(map[string]any)["enum"].([]any)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the schema knows the %ss %v, want %v", name, got, want)
		}
	}
	for _, name := range retention.Shipped {
		text, err := retention.ShippedPolicy(name)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := yaml.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(plain(t, value)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p, err := retention.ParsePolicy(text); err != nil || p.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// plain is a value of YAML as JSON has it.
func plain(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(stringKeys(v))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func stringKeys(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for key := range m {
		m[key] = stringKeys(m[key])
	}
	return m
}

func TestSiteOfChameleon(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, wrong, stages string }{
		{
			"the defaults", "auth_url: https://chi/v3\nadmin_username: a\nadmin_password: b\nadmin_project: c\nregion_name: r\n" +
				"hide_image_age_in_month: 12\ndelete_image_age_in_month: 18\n", "", "12mo hide, 18mo delete",
		},
		{"numbers of its own", "hide_image_age_in_month: 6\ndelete_image_age_in_month: 24\nskip_images: []\n", "", "6mo hide, 24mo delete"},
		{"images to skip", "skip_images: [5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4]\n", "", "12mo hide, 18mo delete"},
		{"no order", "hide_image_age_in_month: 18\ndelete_image_age_in_month: 18\n", "has to be less", ""},
		{"no number", "hide_image_age_in_month: twelve\n", "a whole number", ""},
		{"no key of it", "hide_image_age_in_month: 12\nhide_after: 3\n", "is unknown here", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := retention.ParsePolicy([]byte(c.text))
			if c.wrong != "" {
				if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("error is %v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var stages []string
			for _, s := range p.Stages {
				stages = append(stages, s.At.Text+" "+s.Action)
			}
			if got := strings.Join(stages, ", "); got != c.stages || p.Name != "chameleon" ||
				(len(p.Skip) == 1) != strings.Contains(c.text, "5f0c24f0") {
				t.Errorf("%s, skips %q", got, p.Skip)
			}
		})
	}
}

func FuzzParsePolicy(f *testing.F) {
	for _, c := range policies {
		f.Add(c.text)
	}
	f.Add("hide_image_age_in_month: 12\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := retention.ParsePolicy([]byte(text))
		if err != nil {
			if !fault.Is(err, fault.Usage) {
				t.Errorf("%v is of kind %s", err, fault.KindOf(err))
			}
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var q retention.Policy
		if err := json.Unmarshal(again, &q); err != nil || q.Digest() != p.Digest() {
			t.Errorf("%s is read from a plan as another policy: %v", again, err)
		}
		if p.Keep < 1 || len(p.Stages) == 0 || p.Budget.Images < 1 || p.MinAge.Length() < 0 {
			t.Errorf("accepted: %+v", p)
		}
	})
}
