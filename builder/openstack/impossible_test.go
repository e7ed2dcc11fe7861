//go:build unix

package openstack

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/communicator/sshkey"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/test/loopback"
)

// What can't come isn't waited for: the build ends within seconds, and says why.
func TestNoWaitingForTheImpossible(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	port := refusing(t)
	pair, err := sshkey.GeneratePair(sshkey.ED25519, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	withKeys, without := serveAgent(t, pair.Private), serveAgent(t, nil)
	bastion := map[string]any{"ssh_bastion_host": "127.0.0.1", "ssh_bastion_port": port, "ssh_bastion_username": "x"}
	for _, tt := range []struct {
		name  string
		more  map[string]any
		agent string
		want  []string
		boots bool
	}{
		{
			"a misspelt network",
			map[string]any{"ssh_interface": "privat"},
			"",
			[]string{`ssh_interface: the server is not on a network "privat", only on "private"`},
			true,
		},
		{
			"an unknown id",
			map[string]any{"ssh_interface": "c7ad0d3b-0f1e-4d3e-a7d1-2c7d9a3c4e11"},
			"",
			[]string{"ssh_interface:", `"private"`},
			true,
		},
		{"no IPv6", map[string]any{"ssh_ip_version": "6"}, "", []string{"ssh_ip_version: the server has no IPv6 address, only 127."}, true},
		{
			"no IPv6 there",
			map[string]any{"ssh_ip_version": "6", "ssh_interface": "private"},
			"",
			[]string{`no IPv6 address on network "private"`},
			true,
		},
		{"no agent", map[string]any{"ssh_agent_auth": true}, "", []string{"ssh_agent_auth:", "SSH_AUTH_SOCK is not set"}, false},
		{"a dead agent", map[string]any{"ssh_agent_auth": true}, "/nowhere/agent", []string{"ssh_agent_auth:", "/nowhere/agent"}, false},
		{"an agent without keys", map[string]any{"ssh_agent_auth": true}, without, []string{"ssh_agent_auth:", "no keys"}, false},
		{
			"a dead bastion", with(bastion, map[string]any{"ssh_bastion_password": "x"}), "",
			[]string{"ssh_bastion_host:", "connection refused"},
			false,
		},
		{
			"a dead bastion, by an agent", with(bastion, map[string]any{"ssh_bastion_agent_auth": true}), withKeys,
			[]string{"ssh_bastion_host:", "connection refused"},
			false,
		},
		{
			"no agent for the bastion", with(bastion, map[string]any{"ssh_bastion_agent_auth": true}), "",
			[]string{"ssh_bastion_agent_auth:", "SSH_AUTH_SOCK"},
			false,
		},
		{
			"a dead proxy",
			map[string]any{"ssh_proxy_host": "127.0.0.1", "ssh_proxy_port": port},
			"",
			[]string{"ssh_proxy_host:", "connection refused"},
			false,
		},
		{
			"no password for Windows",
			map[string]any{"communicator": "winrm", "winrm_username": "a", "winrm_timeout": "1s"},
			"",
			[]string{"cloudbase-init", "winrm_password"},
			true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("SSH_AUTH_SOCK", tt.agent)
			start := time.Now()
			more := with(map[string]any{"communicator": "ssh", "ssh_username": "root", "ssh_timeout": "5m"}, tt.more)
			_, out, err := w.build(t.Context(), more, nil)
			if err == nil || time.Since(start) > time.Minute {
				t.Fatalf("%v after %s\n%s", err, time.Since(start), out)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q in it", err, want)
				}
			}
			if booted := strings.Contains(out, "Booting server"); booted != tt.boots {
				t.Errorf("booted: %v, want %v\n%s", booted, tt.boots, out)
			}
			w.leavesNothing(out)
		})
	}
}

// refusing is a port that refuses connections.
func refusing(t *testing.T) int {
	t.Helper()
	address, free, err := loopback.Reserve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(free)
	return int(netip.MustParseAddrPort(address).Port())
}

// Where the choice isn't there, HashiCorp's plugin connects to the floating IP.
func TestFallsBackToTheFloatingIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	for option, value := range map[string]string{"ssh_interface": "privat", "ssh_ip_version": "6"} {
		_, out, err := w.build(t.Context(), map[string]any{
			"communicator": "ssh", "ssh_username": "root", "ssh_timeout": "1s", "floating_ip_network": "public", option: value,
		}, nil)
		if err == nil || !strings.Contains(out, "Warning: "+option+": ") || !strings.Contains(out, "Waiting for SSH at 127.78.") {
			t.Errorf("%s: %v\n%s", option, err, out)
		}
	}
}

// What isn't allowed is known before a server boots for it.
func TestRightsAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	member := w.ProjectID("member-a")
	for _, tt := range []struct {
		login string
		more  map[string]any
		want  string // of the error; "" is success
	}{
		{"demo", map[string]any{"image_visibility": "public"}, "image_visibility: project \"demo\" may not make public images"},
		{"admin", map[string]any{"image_visibility": "public"}, ""},
		{"demo", map[string]any{"image_visibility": "community"}, ""},
		{
			"demo",
			map[string]any{"image_visibility": "shared", "image_members": []string{member}, "image_auto_accept_members": true},
			"image_auto_accept_members:",
		},
		{"admin", map[string]any{"image_visibility": "shared", "image_members": []string{member}, "image_auto_accept_members": true}, ""},
	} {
		artifact, out, err := w.build(t.Context(), with(w.login(tt.login), tt.more), nil)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s, %v: %v\n%s", tt.login, tt.more, err, out)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(out, "Booting server")):
			t.Errorf("%s, %v: %v\n%s", tt.login, tt.more, err, out)
		}
		if artifact != nil {
			if err := artifact.Destroy(); err != nil {
				t.Error(err)
			}
		}
		w.leavesNothing(out)
	}
}

// What Glance takes and Nova doesn't comes with the final change.
func TestLongProperties(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	want := map[string]string{"description": strings.Repeat("x", 300), "a/b": "c", "empty": ""}
	for _, volume := range []bool{true, false} {
		img, _ := w.image(map[string]any{"metadata": want, "use_blockstorage_volume": volume}, nil)
		for key, value := range want {
			if got, ok := img.Properties[key]; !ok || got != value {
				t.Errorf("volume %v: %s is %q", volume, key, got)
			}
		}
	}
}

func TestServerTagsWithoutNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	if img, _ := w.image(map[string]any{"instance_tags": []string{"ci"}, "networks": nil}, nil); img.Status != "active" {
		t.Errorf("image %+v", img)
	}
}

// An image that is there but isn't listed by default is no mere "not found".
func TestImagesThatListsLeaveOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	add := func(name, visibility string, change func(id string, images *glance.Client)) {
		other := w.connect("member-a").images
		img, err := other.Create(t.Context(), map[string]any{
			"name": name, "visibility": visibility, "disk_format": "raw", "container_format": "bare",
		}, "mark", name)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Upload(t.Context(), img.ID, strings.NewReader("a disk")); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(img.ID, other)
		}
	}
	share := func(id string, images *glance.Client) {
		if err := images.AddMember(t.Context(), id, w.ProjectID("demo")); err != nil {
			t.Fatal(err)
		}
	}
	add("comm", "community", nil)
	add("pending", "shared", share)
	add("rejected", "shared", func(id string, images *glance.Client) {
		share(id, images)
		if err := w.look.images.SetMemberStatus(t.Context(), id, w.ProjectID("demo"), glance.Rejected); err != nil {
			t.Fatal(err)
		}
	})
	add("hidden", "community", func(id string, images *glance.Client) {
		if _, err := images.Update(t.Context(), id, glance.Patch{}.Hidden(true)); err != nil {
			t.Fatal(err)
		}
	})
	for name, want := range map[string][]string{
		"comm": {`visibility = "community"`}, "pending": {`member_status = "pending"`}, "rejected": {`member_status = "rejected"`},
		"hidden": {`visibility = "community"`, `hidden = true`},
	} {
		_, _, err := w.build(t.Context(), map[string]any{"source_image": nil, "source_image_name": name}, nil)
		for _, part := range append(want, "source_image_name:", "source_image_filter") {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q in it", name, err, part)
			}
		}
	}
}
