//go:build linux

package host_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

func (p *place) console() string {
	b, err := os.ReadFile(host.ConsoleLog(p.dir))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

// waitConsole waits for a text on the console. What a guest writes there may come after what it answers by SSH.
func (p *place) waitConsole(text string) {
	p.t.Helper()
	p.waitConsoleTimes(text, 1)
}

func (p *place) waitConsoleTimes(text string, times int) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); strings.Count(p.console(), text) < times; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("the console never shows %q", text)
		}
	}
}

const cloudConfig = `#cloud-config
hostname: renamed
bootcmd:
  - echo bootcmd ran
write_files:
  - path: /etc/app/conf
    permissions: '0640'
    content: |
      key=value
  - path: /etc/app/binary
    encoding: b64
    content: aGVsbG8=
users:
  - default
  - name: operator
    plain_text_passwd: opsecret
ssh_pwauth: true
chpasswd:
  list: |
    root:rootsecret
runcmd:
  - [ sh, -c, "echo runcmd 'ran' >/root/runcmd" ]
  - echo second line >>/root/runcmd
packages: [nginx]
`

func TestCloudConfig(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), func(c *host.Config) { c.UserData = []byte(cloudConfig) })
	p.must("cloud-init status --wait")
	if got := p.must("hostname; cat /etc/app/conf /etc/app/binary; stat -c ' %a' /etc/app/conf; cat /root/runcmd; test -f " +
		"/var/lib/cloud/instance/boot-finished && echo finished"); got != "renamed\nkey=value\nhello 640\nruncmd ran\nsecond "+
		"line\nfinished\n" {
		t.Errorf("the guest says %q", got)
	}
	for user, password := range map[string]string{"operator": "opsecret", "root": "rootsecret"} {
		c, err := p.dial(user, ssh.Password(password))
		if err != nil {
			t.Errorf("%s: %v", user, err)
			continue
		}
		c.Close()
	}
	p.waitConsole(" finished at ")
	if c := p.console(); !strings.Contains(c, "bootcmd ran") || !strings.Contains(c, `"packages" is not handled`) {
		t.Errorf("the console shows %s", c)
	}
	// The second boot runs bootcmd alone.
	p.must("rm /root/runcmd")
	if err := p.Reboot(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	p.must("cloud-init status --wait; ! test -e /root/runcmd")
	p.waitConsoleTimes(" finished at ", 2)
	if n := strings.Count(p.console(), "bootcmd ran"); n != 2 {
		t.Errorf("bootcmd ran %d times", n)
	}
}

func TestUserScript(t *testing.T) {
	t.Parallel()
	const script = "#!/bin/sh\necho \"script as $(whoami)\"\nexit 3\n"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(script)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	const parts = "Content-Type: multipart/mixed; boundary=\"XX\"\nMIME-Version: 1.0\n\n--XX\nContent-Type: text/x-shellscript\n\n" +
		script + "\n--XX\nContent-Type: text/cloud-config\n\n#cloud-config\nruncmd: [echo part two]\n--XX--\n"
	for name, data := range map[string]string{"plain": script, "gzip": packed.String(), "multi-part": parts} {
		t.Run(name, func(t *testing.T) {
			p := boot(t, bare(), func(c *host.Config) { c.UserData = []byte(data) })
			p.waitConsole(" finished at ")
			c := p.console()
			if !strings.Contains(c, "script as root") || !strings.Contains(c, "failed with status 3") || name == "multi-part" &&
				!strings.Contains(c, "part two") {
				t.Errorf("the console shows %s", c)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), func(c *host.Config) {
		c.UserData, c.ConfigDrive = []byte("plain text"), true
		c.Networks = []host.Network{{ID: "net", MAC: "fa:16:3e:00:00:01", Address: "10.0.0.7", CIDR: "10.0.0.0/24"}}
	})
	for path, want := range map[string]string{
		"/": "latest", "/openstack": "2018-08-27", "/openstack/latest/": "meta_data.json",
		"/openstack/latest/meta_data.json": `"uuid":"3c1d3b2e`,
		"/openstack/2018-08-27/user_data":  "plain text", "/openstack/latest/network_data.json": `"netmask":"255.255.255.0"`,
		"/latest/meta-data/": "public-keys/", "/latest/meta-data/instance-id": "i-3c1d3b2e", "/latest/meta-data/public-keys/": "0=mine",
		"/latest/meta-data/public-keys/0/openssh-key": "ssh-ed25519", "/latest/meta-data/placement/availability-zone": "nova",
		"/2009-04-04/user-data": "plain text",
	} {
		if got := p.must("curl -sf http://169.254.169.254" + path); !strings.Contains(got, want) {
			t.Errorf("%s is %q", path, got)
		}
	}
	if r := p.run("root", "curl -sf http://169.254.169.254/openstack/latest/nosuch"); r.code != 22 {
		t.Errorf("a missing document: %+v", r)
	}
	if got := p.must("cat /run/config-drive/openstack/latest/user_data"); got != "plain text" {
		t.Errorf("the config drive has %q", got)
	}
	if r := p.run("root", "touch /run/config-drive/x"); r.code == 0 {
		t.Error("the config drive is writable")
	}
}
