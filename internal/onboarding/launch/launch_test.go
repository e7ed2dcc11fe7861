package launch_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// everything has all sixteen kinds, each referring to others.
const everything = `
profiles:
  - name: people
    domains: [{name: ops, description: People who operate}]
    projects:
      - {name: ops, domain: ops, description: Operations}
    users:
      - {name: opsadmin, password: secret, email: ops@example.org, domain: ops, default_project: ops}
    roles: [{name: operator}]
  - name: open
    security_groups: [{name: web, description: What serves}, {name: default, description: Default security group}]
    security_groups_rules:
      - {security_group: default, ethertype: IPv4, remote_group: default, state: absent}
      - {security_group: default, ethertype: IPv4, remote_ip_prefix: 0.0.0.0/0}
      - {security_group: default, ethertype: IPv6, remote_ip_prefix: '::/0'}
      - {security_group: web, protocol: tcp, port_range_min: 443, port_range_max: 443, remote_ip_prefix: 0.0.0.0/0}
      - {security_group: web, protocol: tcp, port_range_min: 22, port_range_max: 23, remote_group: default}
      - {security_group: web, protocol: icmp}
clouds:
  - name: everything
    oscc_cloud: admin
    profiles: [people, open]
    user_roles: [{role: operator, user: opsadmin, project: ops, domain: ops}, {role: operator, user: opsadmin, domain: ops}]
    quotas: [{name: admin, cores: 100, floating-ips: 20, gigabytes: 500}]
    networks: [{name: net}]
    subnets: [{name: subnet, network_name: net, cidr: 127.99.0.0/24, dns_nameservers: [192.0.2.53]}]
    routers: [{name: router, network: public, interfaces: subnet}]
    flavors: [{name: big, ram: 2048, vcpus: 2, disk: 10, extra_specs: {hw:cpu_policy: shared}}]
    images:
      - {name: disk, filename: disk.img, disk_format: raw, properties: {hw_disk_bus: scsi}, min_disk: 1, is_public: yes}
    keypairs: [{name: operators, public_key_file: key.pub}]
    volumes: [{name: data, size: 1, display_description: Data}]
    servers:
      - {name: node.example.org, image: disk, flavor: big, key_name: operators, network: net, security_groups: web,
         node_count: 2, meta: {role: node}, userdata: "#!/bin/sh"}
      - {name: mirror, image: disk, flavor_ram: 2000, network: net, floating_ip_pools: public, volumes: [data]}
`

func TestEveryKindIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	p := w.plan(everything, nil)
	want := map[string]int{"create": 22, "update": 1, "same": 1, "absent": 1}
	if got := actions(p); !cmp.Equal(got, want) {
		t.Errorf("the plan: %s\n%s", cmp.Diff(want, got), steps(p))
	}
	w.launch(everything, nil)
	w.settled(everything, nil)
}

// cloudOf is a layout of one cloud.
func cloudOf(entry, resources string) string {
	return "clouds:\n  - name: here\n    oscc_cloud: " + entry + "\n    " + strings.ReplaceAll(strings.TrimSpace(resources), "\n", "\n    ") + "\n"
}

// row is what a plan says of one resource.
func row(t *testing.T, p *launch.Plan, name string) *launch.Step {
	t.Helper()
	for _, s := range p.Steps() {
		if s.Name == name || s.Kind+"/"+s.Name == name {
			return s
		}
	}
	t.Fatalf("no %q in\n%s", name, steps(p))
	return nil
}

func TestKeyPairsAreRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	keys := func(key, more string) string {
		return cloudOf("demo", "keypairs: [{name: ops, public_key: "+key+more+"}]\n"+
			"images: [{name: disk, filename: disk.img, disk_format: raw}]\n"+
			"servers: [{name: old, image: disk, flavor: m1.tiny, network: private, key_name: ops}"+
			map[bool]string{true: ", {name: new, image: disk, flavor: m1.tiny, network: private, key_name: ops}]", false: "]"}[more != ""])
	}
	w.launch(keys(firstKey, ""), nil)

	p := w.plan(keys(secondKey, ""), nil)
	s := row(t, p, "ops")
	if s.Action != launch.Conflict || !strings.Contains(s.Reason, "with another key") {
		t.Errorf("without rotate: %s %s", s.Action, s.Reason)
	}
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Partial) {
		t.Errorf("a conflict among what is done ends in %v", err)
	}

	p = w.launch(keys(secondKey, ", rotate: true"), nil)
	s = row(t, p, "ops")
	dated := "ops-" + time.Now().UTC().Format("20060102")
	if s.Action != launch.Create || s.ID != dated {
		t.Errorf("with rotate: %s of %q, want %q", s.Action, s.ID, dated)
	}
	if notes := fmt.Sprint(p.Notes()); !strings.Contains(notes, "servers that have the old key: old") {
		t.Errorf("notes: %s", notes)
	}
	if loss := w.plan(cloudOf("demo", "keypairs: [{name: ops, state: absent}]\n"+
		"security_groups_rules: [{security_group: default, remote_group: default, state: absent}]"), nil).Loss(); !strings.Contains(loss,
		`key pair "ops"`) || !strings.Contains(loss, `rule "default ingress`) {
		t.Errorf("before a key pair and a rule are removed, it asks %q", loss)
	}
	w.settled(keys(secondKey, ", rotate: true"), nil)
	for name, want := range map[string]string{"old": "ops", "new": dated} {
		if got := w.keyOf("demo", name); got != want {
			t.Errorf("server %s has the key %q, want %q", name, got, want)
		}
	}
}

func TestImagesAreRefreshedByTheirChecksums(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	sum := func(text string) string {
		w.file("disk.img", text)
		w.file("SHA256SUMS", fmt.Sprintf("%x  disk.img\n", sha256.Sum256([]byte(text))))
		return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text)))
	}
	image := func(checksum string) string {
		return cloudOf("demo", "images: [{name: disk, filename: disk.img, disk_format: raw, checksum: '"+checksum+"'}]")
	}
	first := image(sum("first"))
	old := row(t, w.launch(first, nil), "disk").ID
	w.settled(first, nil)

	second := image(sum("second"))
	p := w.launch(second, nil)
	if s := row(t, p, "disk"); s.Action != launch.Update || s.ID == old || s.Reason != "the current image has other data" {
		t.Errorf("another checksum: %+v", s)
	}
	w.settled(second, nil)
	if archived := w.image("demo", old); !strings.HasPrefix(archived.Name, "archive disk") {
		t.Errorf("the image before is called %q", archived.Name)
	}

	// A list of checksums on a server.
	web := httptest.NewServer(http.FileServer(http.Dir(w.folder)))
	t.Cleanup(web.Close)
	sum("third")
	third := cloudOf("demo", "images: [{name: disk, download_image_url: "+web.URL+"/disk.img, download_image_dest: /nowhere/disk.img, "+
		"disk_format: raw, checksum: 'sha256:"+web.URL+"/SHA256SUMS'}]")
	w.launch(third, nil)
	w.settled(third, nil)

	wrong := image("sha256:" + strings.Repeat("0", 64))
	p = w.plan(wrong, nil)
	if err := p.Apply(t.Context(), report.Discard); err == nil {
		t.Error("data with another checksum is taken")
	}
	w.settled(third, nil)
}

func TestDefaultGroupsOfTenProjects(t *testing.T) {
	t.Parallel()
	seed := sandbox.Seed{Users: []sandbox.User{{Name: "boss", Project: "boss", Role: sandbox.RoleAdmin}}}
	for n := range 10 {
		name := fmt.Sprintf("project-%d", n)
		seed.Users = append(seed.Users, sandbox.User{Name: name, Project: name, Role: sandbox.RoleMember})
	}
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{Seed: seed}))
	before := map[string]string{}
	for _, u := range seed.Users[1:] {
		before[u.Name] = w.rules(u.Name)
	}
	if seen := w.groups("boss"); seen < 10 {
		t.Fatalf("the administrator sees %d groups", seen)
	}
	text := cloudOf("boss", `
security_groups: [{name: default, description: Default security group}]
security_groups_rules:
  - {security_group: default, ethertype: IPv4, remote_group: default, state: absent}
  - {security_group: default, ethertype: IPv4, remote_ip_prefix: 0.0.0.0/0}`)
	w.launch(text, nil)
	w.settled(text, nil)
	for name, rules := range before {
		if now := w.rules(name); now != rules {
			t.Errorf("the rules of %s were\n%s\nand are\n%s", name, rules, now)
		}
	}
	if now := w.rules("boss"); strings.Contains(now, "ingress IPv4 group") || !strings.Contains(now, "ingress IPv4 0.0.0.0/0") {
		t.Errorf("the administrator's project has\n%s", now)
	}
}

func TestOneCloudOfThreeIsUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	text := "profiles: [{name: p, keypairs: [{name: ops, public_key: " + firstKey + "}]}]\nclouds:\n" +
		"- {name: demo, profiles: p}\n- {name: gone, profiles: p}\n- {name: member-a, profiles: p}\n"
	p := w.plan(text, nil)
	if got := actions(p); !cmp.Equal(got, map[string]int{launch.Create: 2, launch.Unreachable: 1}) {
		t.Errorf("plan:\n%s", steps(p))
	}
	if err := p.LeftOut(); !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), `cloud "gone"`) {
		t.Errorf("a dry run ends in %v", err)
	}
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Partial) {
		t.Errorf("applying ends in %v", err)
	}
	for _, entry := range []string{"demo", "member-a"} {
		if got := w.keys(entry); got != "ops" {
			t.Errorf("%s has the key pairs %q", entry, got)
		}
	}
}

func TestOnlyWhatIsMarkedIsPruned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	full := cloudOf("demo", `
networks: [{name: net}, {name: stays}]
subnets: [{name: sub, network_name: net, cidr: 127.99.0.0/24}]
routers: [{name: router, network: public, interfaces: sub}]
images: [{name: disk, filename: disk.img, disk_format: raw}]
security_groups: [{name: web}]
security_groups_rules: [{security_group: web, protocol: tcp, port_range_min: 80, port_range_max: 80}, {security_group: default}]
volumes: [{name: data, size: 1}]
servers: [{name: node, image: disk, flavor: m1.tiny, network: net, security_groups: [web], floating_ip_pools: public}]`)
	rest := cloudOf("demo", "networks: [{name: stays}]")
	other := strings.ReplaceAll(cloudOf("demo", "networks: [{name: others}]"), "name: here", "name: elsewhere")
	w.launch(full, nil)
	w.launch(other, nil)
	w.manual("demo", "manual")
	prune := func(o *launch.Options) { o.PruneTagged = true }
	if p := w.plan(rest, nil); !p.Done() || p.Loss() != "" {
		t.Errorf("without asking for it, it prunes:\n%s", steps(p))
	}
	p := w.launch(rest, prune)
	if !strings.HasPrefix(p.Loss(), "Remove ") || actions(p)[launch.Absent] != 9 {
		t.Errorf("%q\n%s", p.Loss(), steps(p))
	}
	w.settled(rest, prune)
	if got, want := w.networks("demo"), "manual others stays"; got != want {
		t.Errorf("left are the networks %q, want %q", got, want)
	}
}

func TestWhatIsToBeAbsentIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	w.launch(everything, nil)
	absent := regexp.MustCompile(`\{(name|role|security_group): `).ReplaceAllString(everything, "{state: absent, $1: ")
	absent = strings.ReplaceAll(absent, ", state: absent}", "}")
	for _, stays := range []string{"quotas: [{", "security_groups: [{name: web, description: What serves}, {"} {
		absent = strings.ReplaceAll(absent, stays+"state: absent, ", stays)
	}
	absent = strings.ReplaceAll(absent, "{state: absent, name: default,", "{name: default,")
	p := w.launch(absent, nil)
	if p.Loss() == "" {
		t.Error("it doesn't ask before what is lost for good")
	}
	w.settled(absent, nil)
	if got := w.networks("admin"); got != "private public" {
		t.Errorf("left are the networks %q", got)
	}
}

func TestDifferencesAreUpdatedOrConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	w.launch(everything, nil)
	for _, c := range []struct{ from, to, row, action, reason string }{
		{"description: Operations", "description: Ops", "projects/ops", "update", `description: "Operations" -> "Ops"`},
		{"ops@example.org", "op@example.org", "opsadmin", "update", `email: "ops@example.org" -> "op@example.org"`},
		{"127.99.0.0/24", "127.98.0.0/24", "subnet", "conflict", `cidr is "127.99.0.0/24", not "127.98.0.0/24", and can't be changed`},
		{"192.0.2.53", "192.0.2.54", "subnet", "update", "dns_nameservers: 192.0.2.53 -> 192.0.2.54"},
		{"ram: 2048", "ram: 4096", "big", "conflict", "ram is 2048, not 4096"},
		{"hw_disk_bus: scsi", "hw_disk_bus: virtio", "disk", "update", `hw_disk_bus: "scsi" -> "virtio"`},
		{"What serves", "What serves pages", "web", "update", "description"},
		{"size: 1,", "size: 2,", "data", "conflict", "size is 1, not 2"},
		{"display_description: Data", "display_description: More", "data", "update", "display_description"},
		{"meta: {role: node}", "meta: {role: worker}", "node02.example.org", "update", "metadata"},
		{"cores: 100", "cores: 101", "admin", "update", "cores: 100 -> 101"},
		{"image: disk, flavor_ram", "image: dusk, flavor_ram", "mirror", "same", ""},
		{"interfaces: subnet", "interfaces: [subnet, subnot]", "router", "conflict", `there is no subnet "subnot"`},
	} {
		changed := strings.ReplaceAll(everything, c.from, c.to)
		p := w.plan(changed, nil)
		if s := row(t, p, c.row); s.Action != c.action || !strings.Contains(s.Reason, c.reason) {
			t.Errorf("%s: %s %s, want %s %s", c.to, s.Action, s.Reason, c.action, c.reason)
			continue
		}
		if c.action != launch.Update {
			if err := p.Apply(t.Context(), report.Discard); (err != nil) != (c.action == launch.Conflict) {
				t.Errorf("%s: applying ends in %v", c.to, err)
			}
			continue
		}
		w.launch(changed, nil)
		w.settled(changed, nil)
		w.launch(everything, nil)
	}
}

func TestSeveralOfANameAreAConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	w.manual("demo", "net")
	w.manual("demo", "net")
	text := cloudOf("demo", "networks: [{name: net}]\nsubnets: [{name: s, network_name: net, cidr: 127.99.0.0/24}]\n"+
		"keypairs: [{name: ops, public_key: "+firstKey+"}]")
	p := w.plan(text, nil)
	if s := row(t, p, "net"); s.Action != launch.Conflict || !strings.Contains(s.Reason, "2 of the project's networks have the name") {
		t.Errorf("%s %s", s.Action, s.Reason)
	}
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Partial) {
		t.Errorf("it ends in %v", err)
	}
	if got := w.keys("demo"); got != "ops" {
		t.Errorf("the others aren't made: key pairs are %q", got)
	}
}

func TestAProjectWithoutRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	p := w.plan(strings.ReplaceAll(everything, "oscc_cloud: admin", "oscc_cloud: demo"), nil)
	for name, want := range map[string]string{"ops": launch.Conflict, "net": launch.Create, "operators": launch.Create} {
		if s := row(t, p, name); s.Action != want {
			t.Errorf("%s: %s %s", name, s.Action, s.Reason)
		}
	}
}

func TestSomebodyElseIsFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	text := cloudOf("admin", "projects: [{name: ops}]\nusers: [{name: opsadmin, password: secret, default_project: ops}]")
	var once sync.Once
	w.cloud.Faults().Add(sandbox.Rule{Method: "POST", Path: "/identity/v3/projects", Nth: 1, Fault: sandbox.Fault{
		Do: sandbox.Observe, Before: func(*http.Request) {
			once.Do(func() {
				if err := projects.Create(t.Context(), w.identity("admin"), projects.CreateOpts{Name: "ops"}).Err; err != nil {
					t.Error(err)
				}
			})
		},
	}})
	w.launch(text, nil)
	w.settled(text, nil)
}

// Somebody's port is in a network that isn't listed any more: the network stays, with its router and subnet, by which
// the port is reached. The rest goes.
func TestPruningKeepsWhatIsInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	w.launch(cloudOf("demo", "networks: [{name: net}, {name: joined}, {name: free}]\n"+
		"subnets: [{name: subnet, network_name: net, cidr: 127.99.0.0/24}, {name: joins, network_name: joined, cidr: 127.98.0.0/24}]\n"+
		"routers: [{name: router, network: public, interfaces: [subnet, joins]}]\n"+
		"images: [{name: disk, filename: disk.img, disk_format: raw}]"), nil)
	sc, err := cloudtest.Connect(t, w.cloud.CloudsYAML(), "demo").Network()
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, o := range w.list("demo", "network", "networks?name=net", "networks") {
		id = fmt.Sprint(o["id"])
	}
	port, err := ports.Create(t.Context(), sc, ports.CreateOpts{NetworkID: id, Name: "somebody's"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	nothing := cloudOf("demo", "networks: []")
	prune := func(o *launch.Options) { o.PruneTagged = true }
	p := w.plan(nothing, prune)
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), port.ID) {
		t.Errorf("%v", err)
	}
	for name, want := range map[string]string{
		"networks/net": launch.Conflict, "subnets/subnet": launch.Conflict, "routers/router": launch.Conflict,
		"networks/joined": launch.Conflict, "subnets/joins": launch.Conflict, "networks/free": launch.Absent, "images/disk": launch.Absent,
	} {
		if s := row(t, p, name); s.Action != want {
			t.Errorf("%s: %s (%s), want %s", name, s.Action, s.Reason, want)
		}
	}
	if got := w.networks("demo"); got != "joined net" {
		t.Errorf("networks are %s", got)
	}
	if n := len(w.list("demo", "network", "ports?device_owner=network:router_interface&network_id="+id, "ports")); n != 1 {
		t.Errorf("the network has %d interfaces of a router", n)
	}
	if err := ports.Delete(t.Context(), sc, port.ID).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	w.launch(nothing, prune)
	if got := w.networks("demo"); got != "" {
		t.Errorf("once it is free, networks are %s", got)
	}
	w.settled(nothing, prune)
}

// A resource that fails is a part of the run, even if it is the only one; so is a cloud without an entry in clouds.yaml.
func TestOneFailureIsAPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	for _, text := range []string{
		cloudOf("demo", "images: [{name: disk, filename: none.img, disk_format: raw}]"),
		cloudOf("nosuch", "networks: [{name: net}]"),
	} {
		if err := w.plan(text, nil).Apply(t.Context(), report.Discard); !fault.Is(err, fault.Partial) {
			t.Errorf("%v (%s)", err, fault.KindOf(err))
		}
	}
	p := w.plan(cloudOf("nosuch", "networks: [{name: net}]")+"  - {name: there, oscc_cloud: demo, networks: [{name: net}]}\n", nil)
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Partial) || w.networks("demo") != "net" {
		t.Errorf("%v; networks are %s", err, w.networks("demo"))
	}
}

// The second rotation also finds the servers that have the key of the first one.
func TestAKeyPairIsRotatedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	keys := func(key, server string) string {
		return cloudOf("demo", "keypairs: [{name: ops, public_key: "+key+", rotate: true}]\n"+
			"images: [{name: disk, filename: disk.img, disk_format: raw}]\n"+
			"servers: [{name: "+server+", image: disk, flavor: m1.tiny, network: private, key_name: ops}]")
	}
	third := strings.Replace(secondKey, "AAAAIGYl", "AAAAIGYm", 1)
	w.launch(keys(firstKey, "one"), nil)
	w.launch(keys(secondKey, "two"), nil)
	p := w.plan(keys(third, "two"), nil)
	if notes := fmt.Sprint(p.Notes()); !strings.Contains(notes, "one") || !strings.Contains(notes, "two") {
		t.Errorf("notes: %s", notes)
	}
}

// A rule that is pruned is shown as a layout's are.
func TestAPrunedRuleIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
	w.launch(cloudOf("demo", "security_groups: [{name: web, description: Web}]\n"+
		"security_groups_rules:\n  - {security_group: web, protocol: tcp, port_range_min: 80, remote_ip_prefix: 10.0.0.0/8}\n"+
		"  - {security_group: web, protocol: udp, port_range_min: 1, port_range_max: 9, remote_group: web}"), nil)
	p := w.plan(cloudOf("demo", "security_groups: [{name: web, description: Web}]"), func(o *launch.Options) { o.PruneTagged = true })
	for _, name := range []string{"web ingress IPv4 tcp 80 10.0.0.0/8", "web ingress IPv4 udp 1-9 web"} {
		if s := row(t, p, name); s.Action != launch.Absent {
			t.Errorf("%s: %s", name, s.Action)
		}
	}
}
