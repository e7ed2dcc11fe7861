package cloudsyaml

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// scenario is a machine's files and variables, and which cloud is asked for.
type scenario struct {
	name   string
	files  map[string]string
	Root   string            `json:"root"`
	Env    map[string]string `json:"env"`
	Cloud  string            `json:"cloud"`
	Region string            `json:"region"`
}

// reading is how somebody understands a scenario.
type reading struct {
	Error            string            `json:"error"`
	Auth             map[string]string `json:"auth"`
	AuthType         string            `json:"auth_type"`
	Region           string            `json:"region"`
	Interface        string            `json:"interface"`
	Verify           string            `json:"verify"`
	Cert             []string          `json:"cert"`
	Endpoint         map[string]string `json:"endpoint"`
	ServiceRegion    map[string]string `json:"service_region"`
	ServiceInterface map[string]string `json:"service_interface"`
}

type mapping = map[string]any

// table is testdata/table.yaml.
type table struct {
	Base     mapping
	AuthKeys []tableKey `yaml:"auth_keys"`
	TopKeys  []tableKey `yaml:"top_keys"`
	Folders  []string
	Suffixes []string

	Variables []map[string]string
	Texts     []string
}

type tableKey struct {
	Key     string
	Value   any
	Without []string
	With    mapping
	Type    string
	Only    string

	NoDashes bool `yaml:"no_dashes"`
}

// TestOpenstacksdkReadsTheSame compares with Debian's python3-openstacksdk.
func TestOpenstacksdkReadsTheSame(t *testing.T) {
	python := "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import openstack.config.loader").CombinedOutput(); err != nil {
		t.Skipf("openstacksdk is not here to compare with (apt-get install python3-openstacksdk): %v %s", err, out)
	}
	var input bytes.Buffer
	all := scenarios(t)
	for i := range all {
		all[i].write(t)
		if err := json.NewEncoder(&input).Encode(all[i]); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "testdata/openstacksdk.py")
	cmd.Stdin, cmd.Stderr = &input, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := bufio.NewScanner(bytes.NewReader(out))
	theirs.Buffer(nil, 1<<20)
	for _, s := range all {
		var want reading
		if !theirs.Scan() || json.Unmarshal(theirs.Bytes(), &want) != nil {
			t.Fatalf("%s: openstacksdk said %q", s.name, theirs.Text())
		}
		got := s.read(t)
		if want.Error != "" && got.Error != "" {
			continue
		}
		if strings.Contains(want.Error, "is not a valid region name") && got.Region == s.Region {
			continue // an explicit region wins over the only one that an entry or a vendor knows
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s %v (-openstacksdk +ours):\n%s", s.name, s.files, diff)
		}
	}
	if len(all) < 400 {
		t.Errorf("%d scenarios were compared, want more", len(all))
	}
	t.Logf("%d scenarios", len(all))
}

func (s *scenario) write(t *testing.T) {
	t.Helper()
	s.Root = t.TempDir()
	for _, folder := range []string{"cwd", "home", "site", "xdg"} {
		if err := os.Mkdir(filepath.Join(s.Root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range s.files {
		path := filepath.Join(s.Root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s.Env == nil {
		s.Env = map[string]string{}
	}
}

// read is how we understand the scenario.
func (s *scenario) read(t *testing.T) reading {
	t.Helper()
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if slices.ContainsFunc([]string{"OS_", "XDG_", "SDK_", "SNAP_"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", filepath.Join(s.Root, "home"))
	for name, value := range s.Env {
		t.Setenv(name, strings.ReplaceAll(value, "ROOT", s.Root))
	}
	t.Chdir(filepath.Join(s.Root, "cwd"))
	before := siteFolder
	siteFolder = filepath.Join(s.Root, "site")
	defer func() { siteFolder = before }()

	c, err := Read()
	if err != nil {
		return reading{Error: err.Error()}
	}
	e, err := c.Entry(cmp.Or(s.Cloud, c.Default()), s.Region, Other)
	if err != nil {
		return reading{Error: err.Error()}
	}
	verify, err := e.Verify()
	if err != nil || e.Auth["auth_url"] == "" {
		return reading{Error: fmt.Sprint("no auth_url, or ", err)}
	}
	r := reading{
		Auth: e.Auth, AuthType: cmp.Or(e.AuthType, "password"), Region: e.Region, Interface: cmp.Or(e.Interface(), "public"),
		Cert: []string{}, Endpoint: map[string]string{}, ServiceRegion: map[string]string{}, ServiceInterface: map[string]string{},
		Verify: map[bool]string{true: cmp.Or(e.CACert(), "True"), false: "False"}[verify],
	}
	if e.Cert() != "" {
		r.Cert = append(r.Cert, e.Cert())
		if e.Key() != "" {
			r.Cert = append(r.Cert, e.Key())
		}
	}
	for _, kind := range []string{"image", "compute", "network", "block-storage"} {
		r.Endpoint[kind] = e.Service(kind, "endpoint_override")
		r.ServiceRegion[kind] = cmp.Or(e.Service(kind, "region_name"), e.Region)
		r.ServiceInterface[kind] = cmp.Or(e.Service(kind, "interface"), r.Interface)
	}
	return r
}

func scenarios(t *testing.T) []scenario {
	t.Helper()
	text, err := os.ReadFile("testdata/table.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tab table
	if err := yaml.Unmarshal(text, &tab); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(tab.keys(), tab.places(), tab.environments(), tab.vendors(), tab.texts())
}

// keys puts each key wherever it may stand.
func (tab *table) keys() (all []scenario) {
	for _, k := range slices.Concat(tab.AuthKeys, tab.TopKeys) {
		isAuth := slices.ContainsFunc(tab.AuthKeys, func(a tableKey) bool { return a.Key == k.Key })
		add := func(where string, files map[string]string, env map[string]string, regions ...string) {
			if k.Only != "" && k.Only != where {
				return
			}
			cloud := "t"
			if env != nil {
				cloud = ""
			}
			for _, region := range append(regions, "") {
				all = append(all, scenario{
					name: fmt.Sprintf("%s = %v %s %s", k.Key, k.Value, where, region), files: files, Env: env,
					Cloud: cloud, Region: region,
				})
			}
		}
		dashed := strings.ReplaceAll(k.Key, "_", "-")
		add("beside auth", oneFile("cwd/clouds.yaml", "t", tab.with(k, mapping{k.Key: k.Value})), nil, "North", "South")
		if !k.NoDashes {
			add("with dashes", oneFile("cwd/clouds.yaml", "t", tab.with(k, mapping{dashed: k.Value})), nil)
		}
		secure := mapping{k.Key: k.Value}
		if isAuth {
			add("in auth", oneFile("cwd/clouds.yaml", "t", tab.with(k, mapping{"auth": mapping{k.Key: k.Value}})), nil)
			add("in auth, with dashes", oneFile("cwd/clouds.yaml", "t", tab.with(k, mapping{"auth": mapping{dashed: k.Value}})), nil)
			secure = mapping{"auth": secure}
		}
		files := oneFile("cwd/clouds.yaml", "t", tab.with(k, nil))
		maps.Copy(files, oneFile("cwd/secure.yaml", "t", secure))
		add("in secure.yaml", files, nil)

		files = oneFile("cwd/clouds.yaml", "t", tab.with(k, mapping{"profile": "corp"}))
		files["home/.config/openstack/clouds-public.json"] = dump(mapping{"public-clouds": mapping{"corp": secure}})
		add("in a profile", files, nil, "South")
		if k.Key != "regions" && k.Key != "region_name" {
			add("in a region's values", oneFile("cwd/clouds.yaml", "t",
				tab.with(k, mapping{"regions": []any{mapping{"name": "North", "values": secure}}})), nil)
		}
		if s, ok := k.Value.(string); ok {
			env := map[string]string{"OS_" + strings.ToUpper(k.Key): s}
			for key, value := range tab.with(k, nil) {
				if s, ok := value.(string); ok && env["OS_"+strings.ToUpper(key)] == "" {
					env["OS_"+strings.ToUpper(key)] = s
				}
			}
			for key, value := range tab.with(k, nil)["auth"].(mapping) {
				if env["OS_"+strings.ToUpper(key)] == "" {
					env["OS_"+strings.ToUpper(key)] = value.(string)
				}
			}
			add("as a variable", nil, env)
		}
	}
	return all
}

// with is the base entry, made to suit the key, with more merged in.
func (tab *table) with(k tableKey, more mapping) mapping {
	entry := mapping{}
	maps.Copy(entry, tab.Base)
	auth := maps.Clone(tab.Base["auth"].(mapping))
	for _, key := range append(k.Without, k.Key) {
		delete(auth, key)
	}
	if k.Type != "" {
		entry["auth_type"] = k.Type
		for _, key := range []string{"username", "password", "project_name", "user_domain_name", "project_domain_name"} {
			delete(auth, key)
		}
	}
	if k.Type != "" && k.Type != "v3applicationcredential" {
		auth["project_id"] = "p"
	}
	for key, value := range k.With {
		if k.Type != "" {
			auth[key] = value
		} else {
			entry[key] = value
		}
	}
	for key, value := range more {
		if inner, ok := value.(mapping); ok && key == "auth" {
			maps.Copy(auth, inner)
			continue
		}
		entry[key] = value
	}
	entry["auth"] = auth
	return entry
}

// places puts each file into each folder, and into two at a time.
func (tab *table) places() (all []scenario) {
	var paths []string
	for _, folder := range tab.Folders {
		for _, suffix := range tab.Suffixes {
			paths = append(paths, folder+"/NAME"+suffix)
		}
	}
	env := map[string]string{"XDG_CONFIG_HOME": "ROOT/xdg"}
	entry := func(mark string) mapping { return tab.with(tableKey{}, mapping{"region_name": mark}) }
	for i, path := range paths {
		for j := i; j < len(paths); j++ {
			files := oneFile(strings.Replace(path, "NAME", "clouds", 1), "t", entry("first"))
			if j > i {
				maps.Copy(files, oneFile(strings.Replace(paths[j], "NAME", "clouds", 1), "t", entry("second")))
			}
			all = append(all, scenario{name: fmt.Sprint("clouds in ", path, " and ", paths[j]), files: files, Env: env, Cloud: "t"})
		}
		for name, section := range map[string]string{"secure": "clouds", "clouds-public": "public-clouds"} {
			files := oneFile("site/clouds.yaml", "corp", tab.with(tableKey{}, mapping{"profile": "corp"}))
			files[strings.Replace(path, "NAME", name,
				1)] = dump(mapping{section: mapping{"corp": mapping{"region_name": "there", "auth": mapping{"username": "there"}}}})
			all = append(all, scenario{name: name + " in " + path, files: files, Env: env, Cloud: "corp"})
		}
	}
	return all
}

func (tab *table) environments() (all []scenario) {
	for _, env := range tab.Variables {
		for _, both := range []bool{true, false} {
			for _, cloud := range []string{"", "other", "envvars"} {
				clouds := mapping{"other": tab.with(tableKey{}, mapping{"regions": []any{"North", "South"}})}
				if both {
					clouds["base"] = tab.Base
				}
				all = append(all, scenario{
					name: fmt.Sprint("variables ", env, both, cloud), Env: env, Cloud: cloud,
					files: map[string]string{
						"cwd/clouds.yaml":       dump(mapping{"clouds": clouds}),
						"elsewhere/clouds.yaml": dump(mapping{"clouds": mapping{"elsewhere": tab.Base}}),
						"elsewhere/secure.yaml": dump(
							mapping{"clouds": mapping{"other": mapping{"auth": mapping{"password": "from elsewhere"}}}}),
					},
				})
			}
		}
	}
	return all
}

func (tab *table) vendors() (all []scenario) {
	for name, facts := range knownVendors() {
		if name == "ultimum" || name == "rackspace" {
			continue // openstacksdk overlooks region-name there, and adds the project to an address here
		}
		for _, key := range []string{"profile", "cloud"} {
			entry := tab.with(tableKey{}, mapping{key: name})
			delete(entry["auth"].(mapping), "auth_url")
			all = append(all, scenario{name: key + " " + name, files: oneFile("cwd/clouds.yaml", "t", entry), Cloud: "t"})
			if regions, ok := facts.(tree)["regions"].([]any); ok {
				last := regions[len(regions)-1].(string)
				all = append(all, scenario{
					name: key + " " + name + " " + last, files: oneFile("cwd/clouds.yaml", "t", entry), Cloud: "t",
					Region: last,
				})
			}
		}
	}
	return append(all, scenario{name: "unknown profile", files: oneFile("cwd/clouds.yaml", "t",
		tab.with(tableKey{}, mapping{"profile": "nobody"})), Cloud: "t"})
}

func (tab *table) texts() (all []scenario) {
	for _, text := range tab.Texts {
		all = append(all, scenario{name: text, files: map[string]string{"cwd/clouds.yaml": text}, Cloud: "t"})
	}
	return all
}

func oneFile(path, entry string, value mapping) map[string]string {
	return map[string]string{path: dump(mapping{"clouds": mapping{entry: value}})}
}

// dump is JSON, which is YAML as well.
func dump(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
