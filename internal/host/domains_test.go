package host_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// Users and projects of one name in several domains are told from each other by the flags for domains.
func TestDomainsOfOneNameEach(t *testing.T) {
	t.Parallel()
	seed := sandbox.DefaultSeed()
	for _, domain := range []string{"east", "west"} {
		seed.Users = append(seed.Users,
			sandbox.User{Name: "demo", Domain: domain, Project: "demo", Role: sandbox.RoleMember, Cloud: domain})
	}
	sb := sandboxtest.Start(t, sandbox.Options{Seed: seed})
	w := newWorld(t, "OS_CLIENT_CONFIG_FILE=plain.yaml")
	whole := newWorld(t, "OS_CLIENT_CONFIG_FILE="+sb.CloudsYAML())
	who := map[string][]string{} // name of the entry, and the ids of project, user and domain
	for _, domain := range []string{"demo", "east", "west"} {
		fields := strings.Fields(whole.good("demo", "cloud", "--ids", "--os-cloud", domain, "-f", "value",
			"-c", "user_id", "-c", "project_id", "-c", "domain_id"))
		if len(fields) != 3 {
			t.Fatalf("%s: %q", domain, fields)
		}
		who[domain] = fields
	}
	if who["east"][1] == who["west"][1] || who["east"][2] == who["west"][2] {
		t.Fatalf("the domains are one: %q", who)
	}
	write(t, w.path("plain.yaml"), fmt.Sprintf("clouds: {plain: {auth: {auth_url: '%s/identity/v3', username: demo, password: '%s', "+
		"project_name: demo}}}\n", sb.URL(), sb.Password("east")))
	show := []string{"demo", "cloud", "--ids", "--os-cloud", "plain", "-f", "value", "-c", "user_id", "-c", "project_id", "-c", "domain_id"}
	for _, flags := range [][]string{
		{"--os-user-domain-name", "east", "--os-project-domain-name", "east"},
		{"--os-user-domain-id", who["east"][2], "--os-project-domain-name", "east"},
		{"--os-user-domain-name", "east", "--os-project-domain-id", who["east"][2]},
		{"--os-user-domain-name", "east", "--os-project-id", who["east"][1]},
	} {
		if got := strings.Fields(w.good(append(show, flags...)...)); fmt.Sprint(got) != fmt.Sprint(who["east"]) {
			t.Errorf("%q: %q, want %q", flags, got, who["east"])
		}
	}
	for _, flags := range [][]string{
		nil, // the default domain has a user of that name, with another password
		{"--os-user-domain-name", "west", "--os-project-domain-name", "west"},
		{"--os-user-domain-name", "east", "--os-project-domain-name", "west"}, // the user has no role there
		{"--os-user-domain-name", "east", "--os-project-domain-name", "nowhere"},
	} {
		if r := w.run(append(show, flags...)...); r.code != 6 || r.stdout != "" {
			t.Errorf("%q: exit %d, %s%s", flags, r.code, r.stdout, r.stderr)
		}
	}
}
