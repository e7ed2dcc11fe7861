package packuilon

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// names is a name server that calls every address web.example.com, as soon as it was asked twice.
func names(t *testing.T) string {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		packet := make([]byte, 512)
		for asked := 1; ; asked++ {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(packet[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; asked < 3 || q.Type != dnsmessage.TypePTR ||
				!strings.HasSuffix(q.Name.String(), ".77.127.in-addr.arpa.") {
				m.RCode = dnsmessage.RCodeNameError
			} else {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
					Body:   &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("web.example.com.")},
				}}
			}
			if b, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(b, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// anyProfile publishes a profile for web.example.com.
const anyProfile = `
  provisioner "shell" {
    inline = [
      "%[1]s mkdir -p /srv/aquilon/profiles",
      "printf 'personality web\ncomponent spma\n' > /tmp/profile",
      "%[1]s mv /tmp/profile /srv/aquilon/profiles/web.example.com.json",
      %[2]q,
    ]
  }
`

const profileURL = `profile_url = "http://aquilon.example.com/profiles/{{ .Hostname }}.json"`

// The address that Packer reaches the machine at is the one whose name is asked for; sudo does
// the rest.
func TestProvisionByDNSWithSudo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.build(fmt.Sprintf(anyProfile, "sudo", "true")+fmt.Sprintf(`
  provisioner "openstack-quattor" {
    %s
    dns_server       = %q
    sudo             = true
    ccm              = { debug = "1" }
    finalize_command = ["sh", "-c", "id -un > /etc/finalized-by"]
    remove           = ["/srv/aquilon/prof*", "/usr/libexec/aquilon"]
  }
`, profileURL, names(t)), "ubuntu")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := w.files(w.built("built").ID)
	for path, want := range map[string]string{
		"/etc/personality":  "web\n",
		"/etc/finalized-by": "root\n",
		"/etc/ccm.conf":     "profile http://aquilon.example.com/profiles/web.example.com.json\ncache_root /var/lib/ccm\ndebug 1\n",
	} {
		if !strings.HasPrefix(files[path], want) {
			t.Errorf("%s is %q, want %q", path, files[path], want)
		}
	}
	for path := range files {
		if strings.HasPrefix(path, "/srv/aquilon/profiles") || path == "/usr/libexec/aquilon" || strings.Contains(path, "imgctl-") {
			t.Errorf("the image has %s", path)
		}
	}
}

// What fails on the machine fails the build, and leaves no image.
func TestProvisionFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, options, want string }{
		{
			"configure", "touch /etc/broken-spma", `wait_for = "none"`,
			"configuring the machine with quattor configure --all: exit code 255: errors in spma (1)",
		},
		{
			"fetch", "rm -r /srv/aquilon/profiles; touch /srv/aquilon/profiles",
			"wait_for = \"none\"\n fetch_timeout = \"1s\"\n fetch_interval = \"200ms\"",
			"waiting for the profile http://aquilon.example.com/profiles/web.example.com.json: not done after ",
		},
		{"the hook", "true", "wait_for = \"metadata\"\n metadata_timeout = \"1s\"", "is Aquilon's hook running? It never set AQ_STATUS"},
		{
			"DNS", "true", "wait_for = \"dns\"\n dns_timeout = \"1s\"\n dns_server = \"127.0.0.1:1\"",
			"waiting for the name of address 127.77.",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			out, err := w.build(fmt.Sprintf(anyProfile, "", c.before)+fmt.Sprintf(`
  provisioner "openstack-quattor" {
    %s
    hostname = "web.example.com"
    %s
  }
`, profileURL, strings.ReplaceAll(c.options, "\n", "\n    ")), "root")
			if err == nil || !strings.Contains(strings.ReplaceAll(out, "\n", " "), c.want) {
				t.Errorf("the build ended with %v, and not by\n%s\n%s", err, c.want, out)
			}
			if images, err := w.images.Images(t.Context(), glance.Query{BothHidden: true, Name: "built"}); err != nil || len(images) > 0 {
				t.Errorf("there are images: %v, %v", images, err)
			}
		})
	}
}
