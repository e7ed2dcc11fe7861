package nova_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// One server is the bastion of another: SSH goes through it, and so does any port of it.
func TestBastion(t *testing.T) {
	t.Parallel()
	c := start(t, sandboxtest.WithGuests(t, sandbox.Options{}))
	key := c.newKey("k")
	bastion, inner := c.create("bastion", map[string]any{"key_name": "k"}), c.create("inner", map[string]any{"key_name": "k"})
	c.reach(bastion, "ACTIVE", "")
	c.reach(inner, "ACTIVE", "")
	outside, err := key.dial(c.address(bastion))
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	for _, port := range []string{":22", ":2222"} {
		through, err := outside.Dial("tcp", c.address(inner)+port)
		if err != nil {
			t.Fatal(err)
		}
		conn, channels, requests, err := ssh.NewClientConn(through, "inner", key.config())
		if err != nil {
			t.Fatal(err)
		}
		client := ssh.NewClient(conn, channels, requests)
		s, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.CombinedOutput("hostname; echo ${SSH_CONNECTION%% *}")
		if want := "inner\n" + c.address(bastion) + "\n"; err != nil || string(out) != want {
			t.Errorf("through the bastion: %q, %v; want %q", out, err, want)
		}
		client.Close()
	}
	// The bastion's own programs find the other's SSH as well, and nothing of the host's.
	if got := key.run(c.address(bastion), "curl -s --max-time 5 http://"+c.address(inner)+":22/ 2>&1 || true"); !strings.Contains(got,
		"SSH-2.0") {
		t.Errorf("from the bastion: %q", got)
	}
	api := strings.TrimPrefix(c.URL(), "http://")
	if conn, err := outside.Dial("tcp", api); err == nil {
		conn.Close()
		t.Errorf("a server reaches the host's %s", api)
	}
	if conn, err := outside.Dial("tcp", c.address(inner)+":8080"); err == nil {
		conn.Close()
		t.Error("a port where nobody listens took a connection")
	}
}

// A network with an IPv6 subnet gives servers an address of each version.
func TestIPv6(t *testing.T) {
	t.Parallel()
	seed := sandbox.DefaultSeed()
	subnet := 1 + rand.N(0xfffe) // this machine's other sandboxes may take the first address of a usual one
	prefix := fmt.Sprintf("fd77:%x::", subnet)
	seed.Networks = []sandbox.Network{{Name: "private", CIDR: "127.77.0.0/16", IPv6: prefix + "/64", Shared: true}}
	c := start(t, sandboxtest.WithGuests(t, sandbox.Options{Seed: seed}))
	key := c.newKey("k")
	id := c.create("six", map[string]any{"key_name": "k"})
	c.reach(id, "ACTIVE", "")
	addresses := map[float64]string{}
	for _, e := range c.do(1, "GET", "/servers/"+id, nil).want(200).at("server.addresses.private").([]any) {
		entry := e.(map[string]any)
		addresses[entry["version"].(float64)] = entry["addr"].(string)
	}
	if !strings.HasPrefix(addresses[4], "127.77.") || !strings.HasPrefix(addresses[6], prefix) {
		t.Fatalf("addresses %v", addresses)
	}
	if got := key.run(addresses[4], "cat /proc/net/if_inet6"); !strings.Contains(got, fmt.Sprintf("fd77%04x0000", subnet)) {
		t.Errorf("inside, there are\n%s", got)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may add the address to the host's loopback interface")
	}
	if got := key.run(addresses[6], "hostname"); got != "six\n" {
		t.Errorf("over IPv6: %q", got)
	}
}
