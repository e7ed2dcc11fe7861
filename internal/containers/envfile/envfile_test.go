package envfile_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/envfile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

func environment(t *testing.T, texts ...string) (*envfile.Environment, error) {
	t.Helper()
	env := &envfile.Environment{}
	for _, text := range texts {
		root, err := foreignfile.Tree("e.yaml", []byte(text))
		if err != nil {
			return nil, err
		}
		if err := env.Add(root); err != nil {
			return nil, err
		}
	}
	return env, nil
}

func tree(t *testing.T, text string) *foreignfile.Value {
	t.Helper()
	root, err := foreignfile.Tree("e.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func must(t *testing.T, texts ...string) *envfile.Environment {
	t.Helper()
	env, err := environment(t, texts...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func TestEntries(t *testing.T) {
	t.Parallel()
	env := must(t, `
parameter_defaults:
  ContainerImagePrepare:
  - set: {namespace: docker.io/t, tag: 17.10, ceph_images: no, n: 16, neutron_driver: null, name_suffix: ''}
    push_destination: true
    tag_from_label: '{version}-{release}'
    includes: [a, 17.1]
    excludes: b
    modify_role: r
    modify_append_tag: -x
    modify_vars: {tasks_from: f.yml, n: 1, list: [a]}
    modify_only_with_labels: [l]
    modify_only_with_source: [ceph]
    pull_source: docker.io/n
    multi_arch: false
  - {push_destination: "192.0.2.1:8787/x"}
`)
	entries, ok, err := env.Entries("ContainerImagePrepare")
	if err != nil || !ok || len(entries) != 2 {
		t.Fatalf("%v, %v, %v", entries, ok, err)
	}
	e := entries[0]
	for what, c := range map[string][2]any{
		"a tag keeps its spelling": {e.Set["tag"], "17.10"},
		"no is false":              {e.Set["ceph_images"], false},
		"a number":                 {e.Set["n"], int64(16)},
		"null":                     {e.Set["neutron_driver"], nil},
		"empty":                    {e.Set["name_suffix"], ""},
		"the undercloud":           {e.Push, envfile.Push{Undercloud: true}},
		"a destination":            {entries[1].Push, envfile.Push{Destination: "192.0.2.1:8787/x"}},
		"includes":                 {e.Includes, []string{"a", "17.1"}},
		"one exclude":              {e.Excludes, []string{"b"}},
		"vars":                     {e.ModifyVars, map[string]any{"tasks_from": "f.yml", "n": int64(1), "list": []any{"a"}}},
		"multi-arch":               {*e.MultiArch, false},
		"where":                    {e.At, "e.yaml:4:5"},
	} {
		if !reflect.DeepEqual(c[0], c[1]) {
			t.Errorf("%s: %#v, not %#v", what, c[0], c[1])
		}
	}
}

func TestLaterFilesCount(t *testing.T) {
	t.Parallel()
	env := must(t, `
parameter_defaults:
  A: 1
  ContainerImageRegistryCredentials: {quay.io: {u: p}}
  ContainerImagePrepare: [{set: {tag: a}}]
resource_registry: {X: y.yaml}
`, `
parameter_defaults:
  ContainerImageRegistryCredentials: {docker.io: {v: q}}
  ContainerImagePrepare: [{set: {tag: b}}]
resource_registry: {X: OS::Heat::None}
`, ``)
	logins, err := env.Credentials()
	if err != nil || len(logins) != 2 || logins["quay.io"].Password != "p" || logins["docker.io"].User != "v" {
		t.Errorf("%v, %v", logins, err)
	}
	entries, _, err := env.Entries("ContainerImagePrepare")
	if err != nil || len(entries) != 1 || entries[0].Set["tag"] != "b" {
		t.Errorf("%v, %v", entries, err)
	}
	if env.Resources.Get("X").Text != "OS::Heat::None" || env.Parameters.Get("A").Text != "1" {
		t.Error("a section isn't merged")
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	env := must(t, `
parameter_default: {A: 1}
parameter_defaults:
  ContainerImagePrepare:
  - includs: [a]
    set: {namespce: x, tag: a, tag: b}
`)
	if _, _, err := env.Entries("ContainerImagePrepare"); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range env.Findings {
		all = append(all, f.Text)
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{
		"unknown section parameter_default, did you mean parameter_defaults?", "unknown key includs, did you mean includes?",
		"unknown variable namespce, did you mean namespace?", "tag is given more than once",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q isn't found in\n%s", want, text)
		}
	}
	if _, err := env.RolesOf(tree(t, "- {name: A, ServiceDefault: [x], description: y, CountDefault: 1}")); err != nil {
		t.Fatal(err)
	}
	more := must(t, "parameter_defaults: {ContainerImagesPrepare: [], ContainerImagePrepareDebug: true, ComputeContainerImagePrepare: []}")
	if len(more.Findings) != 1 || more.Findings[0].Text != "ContainerImagesPrepare isn't read; did you mean ContainerImagePrepare?" {
		t.Errorf("%+v", more.Findings)
	}
	if f := env.Findings[len(env.Findings)-1]; f.Text != "ServiceDefault isn't read; did you mean ServicesDefault?" || f.Column != 13 {
		t.Errorf("%+v", f)
	}
	if f := env.Findings[1]; f.Line != 5 || f.Column != 5 {
		t.Errorf("%+v", f)
	}
}

// An unset variable of who made the file isn't passed over in silence.
func TestEmptyKeys(t *testing.T) {
	t.Parallel()
	env := must(t, `
parameter_defaults:
  ContainerImagePrepare:
  - {push_destination: '', tag_from_label: "", set: {name_suffix: ''}}
  - {push_destination: false, tag_from_label: null}
`)
	entries, _, err := env.Entries("ContainerImagePrepare")
	if err != nil || len(entries) != 2 || entries[0].Push != entries[1].Push {
		t.Fatalf("%+v, %v", entries, err)
	}
	if len(env.Findings) != 2 || !strings.HasPrefix(env.Findings[0].Text, "push_destination is empty") || env.Findings[0].Line != 4 ||
		!strings.HasPrefix(env.Findings[1].Text, "tag_from_label is empty") {
		t.Errorf("%+v", env.Findings)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{docker.io: {u: secret-1}, "quay.io:5000": {v: "secret-2"}}`: "",
		`{1234: {u: secret}}`:               "is no HOST",
		`{docker.io: {u: true}}`:            "have to be text",
		`{docker.io: {1: secret}}`:          "have to be text",
		`{docker.io: {u: 12345}}`:           "have to be text",
		`{docker.io: {u: secret, v: x}}`:    "one user with a password",
		`{docker.io: secret}`:               "one user with a password",
		`{docker.io: {u: ""}}`:              "is empty",
		`{docker.io: {}}`:                   "one user with a password",
		`[secret]`:                          "mapping of registries",
		`{"http://docker.io": {u: secret}}`: "is no HOST",
	} {
		env := must(t, "parameter_defaults: {ContainerImageRegistryCredentials: "+text+"}")
		_, err := env.Credentials()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	env := must(t, `
parameter_defaults: {ComputeCount: 0, ComputeServices: [x], ThirdServices: ["OS::TripleO::Services::Own"]}
resource_registry: {"OS::TripleO::Services::Noop": OS::Heat::None, "OS::TripleO::Services::NovaApi": /tht/x.yaml}
`)
	root, err := foreignfile.Tree("roles.yaml", []byte(`
- name: Controller
  CountDefault: 1
  ServicesDefault: ["OS::TripleO::Services::NovaApi", "OS::TripleO::Services::HeatApi", "OS::TripleO::Services::Noop"]
- {name: Compute, CountDefault: 1, ServicesDefault: ["OS::TripleO::Services::NovaCompute"]}
- {name: Third, CountDefault: 2}
- {name: BlockStorage, ServicesDefault: ["OS::TripleO::Services::Timesync"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	roles, err := (&envfile.Environment{}).RolesOf(root)
	if err != nil {
		t.Fatal(err)
	}
	got, ok, err := env.Services(roles)
	want := "OS::TripleO::Services::HeatApi OS::TripleO::Services::NovaApi OS::TripleO::Services::Own"
	if err != nil || !ok || strings.Join(got, " ") != want {
		t.Errorf("%v, %v, %v", got, ok, err)
	}
	if _, ok, _ := env.Services(nil); ok {
		t.Error("without roles, there is a filter")
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.yaml": "parameter_defaults: {A: b, B: b}", "a.yaml": "parameter_defaults: {A: a}", "c.txt": "no: [yaml",
		"own.env": "parameter_defaults: {B: own}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	missing := filepath.Join(dir, "missing")
	env, err := envfile.Load([]string{filepath.Join(dir, "own.env")}, []string{missing, dir}, missing)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := env.Parameters.Get("A").Text, env.Parameters.Get("B").Text; a != "b" || b != "own" {
		t.Errorf("A is %s, B is %s", a, b)
	}
	if _, err := envfile.Load(nil, []string{missing}, ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := envfile.Load([]string{""}, nil, ""); !fault.Is(err, fault.Usage) {
		t.Errorf("an empty name: %v", err)
	}
}

// Each is refused, or read, within bounds.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for _, c := range "bcdefghij" {
		before := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+before+",", 9) + "*" + before + "]\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"a bomb of aliases":    {bomb, "more than 500000 values"},
		"a bomb of merges":     {"a: &a {x: 1}\n" + strings.Repeat("b: {<<: *a}\n", 1000), ""},
		"a merge of itself":    {"a: &a\n  <<: *a\n", ""},
		"an alias of itself":   {"parameter_defaults: &a {x: *a}", ""},
		"too deep":             {strings.Repeat("[", 200) + strings.Repeat("]", 200), "nested more than 100 deep"},
		"far too deep":         {strings.Repeat("[", 1_000_000), ""},
		"too large":            {strings.Repeat("#", foreignfile.MaxTreeSize+1), "larger than 2 MiB"},
		"no YAML":              {"a: [", "line 1"},
		"no mapping":           {"- a", "has to be a mapping, not a list"},
		"a list of parameters": {"parameter_defaults: [a]", "has to be a mapping"},
		"a key of a list":      {"? [a]\n: b", "a key has to be a word"},
		"no UTF-8":             {"a: \xff\xfe", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := environment(t, c.text)
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, which should say %q", err, c.want)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("an error of %d characters", len(err.Error()))
			}
		})
	}
}

func TestWrongTypes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`ContainerImagePrepare: {a: b}`:                    "has to be a list, not a mapping",
		`ContainerImagePrepare: [a]`:                       "an entry has to be a mapping, not text",
		`ContainerImagePrepare: [{set: [a]}]`:              "set has to be a mapping",
		`ContainerImagePrepare: [{set: {tag: [a]}}]`:       "variable tag has to be",
		`ContainerImagePrepare: [{includes: {a: b}}]`:      "includes has to be a list",
		`ContainerImagePrepare: [{includes: ["", a]}]`:     "can't be empty",
		`ContainerImagePrepare: [{excludes: [null]}]`:      "can't be empty",
		`ContainerImagePrepare: [{tag_from_label: [a]}]`:   "tag_from_label has to be text",
		`ContainerImagePrepare: [{multi_arch: "yes"}]`:     "multi_arch has to be true or false",
		`ContainerImagePrepare: [{modify_vars: a}]`:        "modify_vars has to be a mapping",
		`ContainerImagePrepare: [{push_destination: [a]}]`: "push_destination has to be text",
	} {
		_, _, err := must(t, "parameter_defaults:\n  "+text).Entries("ContainerImagePrepare")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "e.yaml:2:") {
			t.Errorf("%s: %v, which should say %q", text, err, want)
		}
	}
}

func FuzzEnvironment(f *testing.F) {
	for _, seed := range []string{
		"parameter_defaults: {ContainerImagePrepare: [{set: {tag: 1.10}, includes: [a]}]}",
		"a: &a [*a]", "? a\n: {<<: {b: c}}", "- 0x1F", "a: !!binary x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		root, err := foreignfile.Tree("e.yaml", text)
		if err != nil {
			return
		}
		env := &envfile.Environment{}
		if env.Add(root) != nil {
			return
		}
		_, _, _ = env.Entries("ContainerImagePrepare")
		_, _ = env.Credentials()
		_, _, _ = env.MechanismDrivers()
		_ = env.Parameters.Any()
	})
}
