package layout_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
)

func TestLayoutOfManyClouds(t *testing.T) {
	t.Parallel()
	l, err := layout.ReadFile("testdata/ci.yml", layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{
		`testdata/ci.yml:5:5: no cloud uses the profile "projects"`,
		`testdata/ci.yml:41:5: no cloud uses the profile "sizes"`,
	}; !cmp.Equal(l.Warnings, want) {
		t.Errorf("warnings: %s", cmp.Diff(want, l.Warnings))
	}
	var got []string
	for _, c := range l.Clouds {
		got = append(got, fmt.Sprintf("%s: %s %q", c.Name, c.Entry, c.Region))
		if c.Name != "west" {
			continue
		}
		for _, r := range c.Resources {
			got = append(got, fmt.Sprintf("%s %s absent=%v from=%q", r.Kind, r.Name, r.Absent, r.From))
		}
	}
	want := []string{
		`north-1: north "N1"`, `north-2: north "N2"`, `west: west ""`,
		`networks ci-network absent=false from="net"`,
		`subnets ci-subnet absent=false from="net"`,
		`routers ci-router absent=false from=""`,
		`images base-arm64 absent=false from=""`,
		`security_groups default absent=false from="open-group"`,
		`security_groups_rules default ingress IPv4 default absent=true from="open-group"`,
		`security_groups_rules default ingress IPv6 default absent=true from="open-group"`,
		`security_groups_rules default ingress IPv4 0.0.0.0/0 absent=false from="open-group"`,
		`security_groups_rules default ingress IPv6 ::/0 absent=false from="open-group"`,
		`keypairs operators absent=false from="keys"`,
		`keypairs operators-2026-01-31 absent=false from="keys"`,
	}
	if !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestOlderFormsMeanTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, older, now string }{
		{
			"scalars for lists", "profiles: keys\n    routers: {name: r, interfaces: s}",
			"profiles: [keys]\n    routers: [{name: r, interfaces: [s]}]",
		},
		{"role by its name", "user_roles: [{name: member, user: u, project: p}]", "user_roles: [{role: member, user: u, project: p}]"},
		{
			"keypair_name", "servers: [{name: s, image: i, flavor: f, keypair_name: k, security_groups: web}]",
			"servers: [{name: s, image: i, flavor: f, key_name: k, security_groups: [web]}]",
		},
		{"booleans of YAML 1.1", "networks: [{name: n, external: yes}]", "networks: [{name: n, external: true}]"},
		{"what only Ansible needs", "networks: [{name: n, wait: yes, timeout: 60}]", "networks: [{name: n}]"},
		{"empty values", "networks: [{name: n, project: }]\n    volumes:", "networks: [{name: n}]"},
		{
			"nodes of a cluster", "servers: [{name: web.example.org, image: i, flavor: f, node_count: 2}]",
			"servers: [{name: web01.example.org, image: i, flavor: f}, {name: web02.example.org, image: i, flavor: f}]",
		},
		{"the last of a name", "networks: [{name: n}, {name: n, external: true}]", "networks: [{name: n, external: true}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			older, now := read(t, c.older), read(t, c.now)
			if !cmp.Equal(older, now) {
				t.Error(cmp.Diff(now, older))
			}
		})
	}
}

// read is what a layout asks of its one cloud, without places.
func read(t *testing.T, resources string) layout.Cloud {
	t.Helper()
	text := "profiles:\n  - name: keys\nclouds:\n  - name: c\n    " + resources + "\n"
	l, err := layout.Parse("l.yml", []byte(text), layout.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	c := l.Clouds[0]
	for n := range c.Resources {
		c.Resources[n].At = ""
	}
	return c
}

func TestMistakesAreToldWithTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"clouds: [", "l.yml: line 1"},
		{"- a", "l.yml:1:1: a layout has the lists"},
		{"profiles: []", "l.yml:1:1: the list clouds is missing"},
		{"clouds: []", "l.yml:1:9: the list clouds is missing"},
		{"cloud: [{name: a}]", `l.yml:1:1: "cloud" is unknown here; did you mean "clouds"?`},
		{"clouds: [{name: a}, {name: a}]", `l.yml:1:21: there is another cloud "a" at l.yml:1:10`},
		{"clouds: [{oscc_cloud: a}]", "l.yml:1:10: the cloud has no name"},
		{
			"clouds: [{name: a, profiles: [kyes]}]\nprofiles: [{name: keys}]",
			`l.yml:1:30: cloud "a": there is no profile "kyes"; did you mean "keys"?`,
		},
		{"clouds: [{name: a, network: [{name: n}]}]", `l.yml:1:20: "network" is unknown here; did you mean "networks"?`},
		{"clouds: [{name: a, networks: [n]}]", "l.yml:1:31: one of networks has to be a mapping, not text"},
		{"clouds: [{name: a, networks: [{name: n, extrnal: true}]}]", `l.yml:1:41: "extrnal" is unknown here; did you mean "external"?`},
		{"clouds: [{name: a, networks: [{name: n, external: 3}]}]", "l.yml:1:51: external: true or false"},
		{"clouds: [{name: a, networks: [{name: n, state: gone}]}]", `l.yml:1:48: state: "gone" is unknown`},
		{"clouds: [{name: a, networks: [{name: ''}]}]", "l.yml:1:38: name is empty"},
		{"clouds: [{name: a, flavors: [{name: f, ram: lots, vcpus: 1, disk: 1}]}]", "l.yml:1:45: ram: a whole number from 0 on"},
		{"clouds: [{name: a, flavors: [{name: f, ram: 1}]}]", "f: vcpus is missing"},
		{"clouds: [{name: a, subnets: [{name: s, network_name: n, cidr: 10.0.1.0}]}]", "l.yml:1:63: cidr:"},
		{"clouds: [{name: a, keypairs: [{name: k}]}]", `l.yml:1:31: keypair "k": give one of`},
		{"clouds: [{name: a, keypairs: [{name: k, public_key: x, public_key_file: layout_test.go}]}]", "give one of"},
		{"clouds: [{name: a, keypairs: [{name: k, public_key_file: /nowhere}]}]", "l.yml:1:58: stat /nowhere"},
		{"clouds: [{name: a, security_groups_rules: [{security_group: g, ethertype: ipv4}]}]", `ethertype: "ipv4" is unknown`},
		{"clouds: [{name: a, security_groups_rules: [{security_group: g, remote_ip_prefix: '::/0'}]}]", "isn't of the rule's ethertype"},
		{"clouds: [{name: a, users: [{name: u, password: '{{ vault }}'}]}]", "l.yml:1:48: password is a template for Ansible"},
		{"clouds: [{name: a, users: [{name: u, password: {env: SECRET}}]}]", "the environment variable SECRET isn't set"},
		{"clouds: [{name: a, users: [{name: u, password: {vault: SECRET}}]}]", "has to be text, {env: NAME} or {file: PATH}"},
		{"clouds: [{name: a, users: [{name: u, password: !vault '$ANSIBLE_VAULT;1.1;AES256'}]}]", "encrypted with Ansible Vault"},
		{"clouds: [{name: a, servers: [{name: s, image: i}]}]", `server "s": give flavor`},
		{"clouds: [{name: a, servers: [{name: s, image: i, flavor: f, node_count: 99999}]}]", "node_count: 99999 is not between"},
		{"clouds: [{name: a, images: [{name: i, download_image_url: 'ftp://x/y'}]}]", "is no http, https or file address"},
		{"clouds: [{name: a, user_roles: [{role: r, user: u}]}]", "give project or domain"},
		{"clouds: &c [*c]", "l.yml"},
		{"clouds: [{name: a, networks: &n [{name: n, x: *n}]}]", "l.yml"},
	} {
		_, err := layout.Parse("l.yml", []byte(c.text), layout.Options{})
		if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "l.yml") {
			t.Errorf("%s\ngives %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestCloudsAreChosen(t *testing.T) {
	t.Parallel()
	l, err := layout.ReadFile("testdata/ci.yml", layout.Options{Only: []string{"west"}})
	if err != nil || len(l.Clouds) != 1 || l.Clouds[0].Name != "west" {
		t.Errorf("west: %v, %+v", err, l)
	}
	_, err = layout.ReadFile("testdata/ci.yml", layout.Options{Only: []string{"wets"}})
	if !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), `did you mean "west"?`) {
		t.Errorf("wets: %v", err)
	}
	if names := layout.Names("testdata/ci.yml"); !cmp.Equal(names, []string{"north-1", "north-2", "west"}) {
		t.Errorf("names: %q", names)
	}
}

func TestSecretsComeFromOutside(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "password"), []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ how, want string }{
		{"{env: PASSWORD}", "from outside"},
		{"{file: password}", "from a file"},
		{`"{{ lookup('env', 'PASSWORD') }}"`, "from outside"},
		{`"{{ lookup('file', 'password') }}"`, "from a file"},
		{"written", "written"},
	} {
		file := filepath.Join(folder, "layout.yml")
		// The other cloud's secret isn't there, and isn't needed.
		text := "profiles:\n- name: p\n  users: [{name: u, password: " + c.how + "}]\nclouds:\n- {name: a, profiles: p}\n" +
			"- {name: b, users: [{name: u, password: {env: NOWHERE}}]}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := layout.ReadFile(file, layout.Options{Only: []string{"a"}, Env: func(name string) (string, bool) {
			return map[string]string{"PASSWORD": "from outside"}[name], name == "PASSWORD"
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Clouds[0].Resources[0].Fields.Text("password"); got != c.want {
			t.Errorf("%s is read as %q", c.how, got)
		}
	}
}

func TestHostileLayoutsEndInAnError(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for n := 'b'; n < 'i'; n++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", n, n, n-1, n-1, n-1, n-1, n-1, n-1, n-1, n-1, n-1, n-1)
	}
	var many, clouds strings.Builder
	for n := range 2000 {
		fmt.Fprintf(&many, "  - {name: n%d}\n", n)
		fmt.Fprintf(&clouds, "- {name: c%d, profiles: p}\n", n)
	}
	for name, text := range map[string]string{
		"bomb":               bomb + "clouds: [{name: c, networks: *h}]",
		"deep":               "clouds: " + strings.Repeat("[", 10_000),
		"circle":             "clouds: &c\n- name: a\n  networks: *c\n",
		"huge":               "clouds: [" + strings.Repeat("{name: a},", 300_000) + "]",
		"more than anyone's": "profiles:\n- name: p\n  networks:\n" + many.String() + "clouds:\n" + clouds.String(),
		"binary":             "clouds: \x00\x01",
	} {
		if _, err := layout.Parse("l.yml", []byte(text), layout.Options{}); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	sample, err := os.ReadFile("testdata/ci.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(sample))
	f.Add("clouds: [{name: c, servers: {name: s.d, image: i, flavor: f, node_count: 3, nics: [{net-id: x}, 'port-name=y'], meta: {a: 1}}}]")
	f.Add("clouds: [{name: c, routers: [{name: r, external_fixed_ips: [{subnet: s, ip: 192.0.2.1}], interfaces: [{net: n, subnet: s}]}]}]")
	f.Add("clouds: [{name: c, quotas: [{name: p, cores: -1, key-pairs: 3}], users: [{name: u, password: {env: X}}]}]")
	f.Add("x: &x {name: n, <<: {external: yes}}\nclouds: [{name: c, networks: [*x, {<<: *x, state: absent}]}]")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := layout.Parse("l.yml", []byte(text), layout.Options{})
		if err != nil {
			if !fault.Is(err, fault.Usage) {
				t.Errorf("%v is no usage error", err)
			}
			return
		}
		for _, c := range l.Clouds {
			if c.Name == "" || c.Entry == "" {
				t.Errorf("a cloud without a name: %+v", c)
			}
			for _, r := range c.Resources {
				if r.Name == "" || r.At == "" {
					t.Errorf("a resource without name or place: %+v", r)
				}
			}
		}
	})
}
