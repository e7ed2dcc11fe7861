//go:build linux

package host_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

func TestSFTP(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	c, err := sftp.NewClient(p.client("ubuntu"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	data := bytes.Repeat([]byte("0123456789"), 300_000)
	f, err := c.Create("upload")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if r := p.run("ubuntu", "wc -c <upload; stat -c %U upload"); !strings.HasPrefix(r.out, "3000000\n") || os.Geteuid() == 0 &&
		r.out != "3000000\nubuntu\n" {
		t.Errorf("the guest has %q", r.out)
	}
	r, err := c.Open("upload")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes back, %v", len(got), err)
	}
	if os.Geteuid() == 0 {
		if _, err := c.Create("/etc/forbidden"); err == nil {
			t.Error("a user writes to /etc")
		}
	}
}

// TestSCP speaks the protocol that Packer's communicator speaks.
func TestSCP(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	up := func(command, input string) result { return p.runWith("root", command, input) }
	if r := up("scp -vt /root", "C0640 5 hello\nworld\x00"); r.code != 0 || r.out != "\x00\x00\x00" {
		t.Errorf("up: %+v", r)
	}
	if r := up("scp -rvt /srv", "D0755 0 tree\nD0700 0 sub\nC0600 2 f\nab\x00E\nE\n"); r.code != 0 {
		t.Errorf("up, recursive: %+v", r)
	}
	if got := p.must("cat /root/hello /srv/tree/sub/f; stat -c %a /root/hello /srv/tree/sub"); got != "worldab640\n700\n" {
		t.Errorf("the guest has %q", got)
	}
	if r := up("scp -vf /root/hello", "\x00\x00\x00"); r.code != 0 || r.out != "C0640 5 hello\nworld\x00" {
		t.Errorf("down: %+v", r)
	}
	if r := up("scp -rf /srv/tree", strings.Repeat("\x00", 9)); r.code != 0 ||
		r.out != "D0755 0 tree\nD0700 0 sub\nC0600 2 f\nab\x00E\nE\n" {
		t.Errorf("down, recursive: %+v", r)
	}
	if r := up("scp -vt /nosuch/dir/file", "C0644 1 f\nx\x00"); r.code == 0 || !strings.Contains(r.out, "No such file") &&
		!strings.Contains(r.out, "no such file") {
		t.Errorf("up to nowhere: %+v", r)
	}
	if r := up("scp -t /root", "C0644 1 ../f\nx\x00"); r.code == 0 {
		t.Errorf("a name with a slash: %+v", r)
	}
}

// TestOpenSSH uses the programs that people have.
func TestOpenSSH(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("scp"); err != nil {
		t.Skip("no OpenSSH client here")
	}
	p := boot(t, bare(), func(c *host.Config) { c.Password = "" })
	dir := t.TempDir()
	gen := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "key"))
	if out, err := gen.CombinedOutput(); err != nil {
		t.Skipf("ssh-keygen: %v %s", err, out)
	}
	pub, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	p.runWith("root", "cat >>.ssh/authorized_keys", string(pub))
	host, port, _ := strings.Cut(p.address, ":")
	options := []string{
		"-i", filepath.Join(dir, "key"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
		"LogLevel=ERROR", "-o", "BatchMode=yes",
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, append(append([]string{}, options...), args...)...)
		cmd.Stdin = strings.NewReader("")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	if got := run("ssh", "-p", port, "root@"+host, "echo $((1+1)) && id -un"); got != "2\nroot\n" {
		t.Errorf("ssh: %q", got)
	}
	local := filepath.Join(dir, "file")
	if err := os.WriteFile(local, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []string{"-O", "-s"} {
		run("scp", protocol, "-P", port, "-rp", local, "root@"+host+":/root/copy")
		run("scp", protocol, "-P", port, "root@"+host+":/root/copy", local+".back")
		if b, err := os.ReadFile(local + ".back"); err != nil || string(b) != "content" {
			t.Errorf("scp %s: %q, %v", protocol, b, err)
		}
	}
}

func TestWhoMayLogIn(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), func(c *host.Config) { c.Password = "sesame" })
	key := func(private crypto.PrivateKey, err error) ssh.Signer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s, err := ssh.NewSignerFromKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	rsaKey := key(rsa.GenerateKey(rand.Reader, 2048))
	ecKey := key(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for _, s := range []ssh.Signer{rsaKey, ecKey} {
		p.runWith("root", "cat >>.ssh/authorized_keys", string(ssh.MarshalAuthorizedKey(s.PublicKey())))
	}
	for _, c := range []struct {
		name, user string
		auth       ssh.AuthMethod
		want       bool
	}{
		{"injected key", "root", ssh.PublicKeys(p.key), true},
		{"cloud user", "cirros", ssh.PublicKeys(p.key), true},
		{"unknown user", "mallory", ssh.PublicKeys(p.key), false},
		{"RSA key", "root", ssh.PublicKeys(rsaKey), true},
		{"ECDSA key", "root", ssh.PublicKeys(ecKey), true},
		{"another's key", "ubuntu", ssh.PublicKeys(ecKey), false},
		{"password", "root", ssh.Password("sesame"), true},
		{"wrong password", "root", ssh.Password("open"), false},
		{"no password", "root", ssh.Password(""), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := p.dial(c.user, c.auth)
			if (err == nil) != c.want {
				t.Errorf("log-in: %v", err)
			}
			if err == nil {
				client.Close()
			}
		})
	}
	if got := p.must("grep -c mallory /etc/passwd || true"); got != "0\n" {
		t.Error("a refused user was made")
	}
	if err := p.SetPassword("changed"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		client, err := p.dial("root", ssh.Password("changed"))
		if err == nil {
			client.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestKeepAliveAndSignals(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	c := p.client("root")
	if _, _, err := c.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		t.Error(err)
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Setenv("FOO", "bar"); err != nil {
		t.Error(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("echo $FOO; sleep 600"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(out, b); err != nil || string(b) != "bar\n" {
		t.Errorf("got %q, %v", b, err)
	}
	started := time.Now()
	if err := s.Signal(ssh.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err == nil || time.Since(started) > time.Minute {
		t.Errorf("the command ended with %v after %v", err, time.Since(started))
	}
}

// TestPageListsTheUsers logs in as every user that the page promises.
func TestPageListsTheUsers(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	before, after, _ := strings.Cut(string(page), "`almalinux`") // it is in the paragraph of users
	after, _, _ = strings.Cut(after, "\n\n")
	list := before[strings.LastIndex(before, "\n\n"):] + "`almalinux`" + after
	p := boot(t, bare(), nil)
	users := regexp.MustCompile("`([a-z0-9-]+)`").FindAllStringSubmatch(list, -1)
	if len(users) < 20 {
		t.Fatalf("the page lists %v", users)
	}
	for _, u := range users {
		if u[1] == "sudo" || u[1] == "root" {
			continue
		}
		if r := p.runWith(u[1], "sudo whoami", ""); r.out != "root\n" {
			t.Errorf("%s: %+v", u[1], r)
		}
	}
}
