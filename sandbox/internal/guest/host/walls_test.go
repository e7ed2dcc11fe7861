//go:build linux

package host_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
	"github.com/imgctl/packer-plugin-openstack/test/program"
)

// aim is what of the host the probe in a guest aims at.
type aim struct {
	t             *testing.T
	secret        string // path of a file
	name, address string // of an abstract socket and of a TCP one
	net           string // name space
	key           string
	keyID         int
	agent         os.FileInfo
}

func newHost(t *testing.T, secret string) *aim {
	t.Helper()
	h := &aim{t: t, secret: secret, name: fmt.Sprintf("guest-test-%d-%s", os.Getpid(), t.Name()), key: "guest-test"}
	for network, address := range map[string]string{"unix": "@" + h.name, "tcp": "127.0.0.1:0"} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if network == "tcp" {
			h.address = l.Addr().String()
		}
	}
	var err error
	if h.net, err = os.Readlink("/proc/self/ns/net"); err != nil {
		t.Fatal(err)
	}
	if h.keyID, err = unix.AddKey("user", h.key, []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING); err != nil {
		t.Logf("no keys here: %v", err)
	}
	if h.agent, err = os.Stat(tool(t, "agent")); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *aim) environment() string {
	return fmt.Sprintf("HOST_FILE=%s HOST_SOCKET=%s HOST_ADDRESS=%s HOST_NET='%s' HOST_KEY=%s HOST_KEY_ID=%d HOST_PID=%d",
		h.secret, h.name, h.address, h.net, h.key, h.keyID, os.Getpid())
}

// untouched fails the test where the guest changed a file of the host's.
func (h *aim) untouched(p *place) {
	h.t.Helper()
	now, err := os.Stat(tool(h.t, "agent"))
	if err != nil || now.Mode() != h.agent.Mode() || now.Size() != h.agent.Size() {
		h.t.Errorf("the agent's executable was %v, %d bytes; it is %v, %v", h.agent.Mode(), h.agent.Size(), now.Mode(), err)
	}
	log, err := os.Stat(host.ConsoleLog(p.dir))
	if err != nil || log.Mode() != 0o600 {
		h.t.Errorf("the console's log: %v, %v", log.Mode(), err)
	}
}

// TestAsOrdinaryUser runs the tests of the walls as a user without any rights.
func TestAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("the other tests run as an ordinary user already")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "guest-nobody") //nolint:usetesting // a test's own folder is below one that only root may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	test := filepath.Join(dir, "host.test")
	for to, from := range map[string]string{
		test: os.Args[0], filepath.Join(dir, "agent"): tool(t, "agent"),
		filepath.Join(dir, "probe"): tool(t, "probe"),
	} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		program.Write(t, to, b)
		if err := os.Chown(to, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), test, "-test.v",
		"-test.run=^(TestIsolation|TestCommands|TestConsoleIsBounded|TestSnapshot|TestHostileArchive|TestHostileRoot|TestOffFromTheInside)$")
	cmd.Env = []string{"GUEST_TEST_BIN=" + dir, "TMPDIR=" + dir, "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "--- SKIP: TestIsolation") {
		t.Skipf("guests can't run as an ordinary user here:\n%s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestIsolation") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestConsoleIsBounded writes more to a console than its log keeps.
func TestConsoleIsBounded(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	p.must("head -c 5000000 /dev/zero | tr '\\0' x >/dev/console; echo the end >/dev/console")
	p.waitConsole("the end")
	p.Kill()
	b, err := os.ReadFile(host.ConsoleLog(p.dir))
	if err != nil || len(b) > 1<<20 || !strings.Contains(string(b), "the end") {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
