//go:build linux

package host_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

// tools is where the programs under testdata are built to. GUEST_TEST_BIN names a folder that has them already, for
// a run as a user who can't build.
var tools = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("GUEST_TEST_BIN"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "guest-test")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, "./testdata/agent", "./testdata/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("building the agent: %w\n%s", err, out)
	}
	return dir, nil
})

func tool(t *testing.T, name string) string {
	t.Helper()
	dir, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := tools(); os.Getenv("GUEST_TEST_BIN") == "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// namespaces reports whether this machine lets this user have the name spaces that a guest needs.
func namespaces() bool {
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	return cmd.Run() == nil
}

// place is a guest under test and how to get into it.
type place struct {
	*host.Guest
	t       *testing.T
	dir     string
	address string
	key     ssh.Signer
}

var nextAddress struct {
	sync.Mutex
	n byte
}

// boot boots a guest from an image's data.
func boot(t *testing.T, image io.Reader, change func(*host.Config)) *place {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "instance")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := host.Unpack(image, host.Root(dir), 1<<30); err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	c := host.Config{
		Dir: dir, Agent: tool(t, "agent"), UUID: "3c1d3b2e-65c5-4d6c-9b2a-0d5b8f2d9c11", Name: "Web_01 test", Address: "10.0.0.7",
		AvailabilityZone: "nova",
		Keys:             map[string]string{"mine": string(ssh.MarshalAuthorizedKey(key.PublicKey()))},
		Meta:             map[string]string{"role": "web"},
	}
	if change != nil {
		change(&c)
	}
	g, err := host.Boot(t.Context(), c)
	if errors.Is(err, host.ErrUnsupported) && !namespaces() {
		t.Skip(err)
	}
	if err != nil {
		log, _ := os.ReadFile(host.ConsoleLog(dir))
		t.Fatalf("%v\nconsole:\n%s", err, log)
	}
	p := &place{Guest: g, t: t, dir: dir, key: key}
	t.Cleanup(func() {
		g.Kill()
		if t.Failed() {
			log, _ := os.ReadFile(host.ConsoleLog(dir))
			t.Logf("console of %s:\n%s", c.Name, log)
		}
		if err := host.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	p.listen()
	return p
}

// listen takes an address for the guest's SSH that no other process's guest has: those of a sandbox, and of the same
// tests run by another user.
func (p *place) listen() {
	p.t.Helper()
	nextAddress.Lock()
	defer nextAddress.Unlock()
	err := syscall.EADDRINUSE
	for range 250 {
		nextAddress.n++
		p.address = fmt.Sprintf("127.77.%d.%d:2222", os.Getpid()%250, nextAddress.n)
		failed := p.ServeSSH(p.address)
		if failed == nil {
			return
		}
		if !errors.Is(failed, err) {
			p.t.Fatal(failed)
		}
	}
	p.t.Fatal(err)
}

// bare is an image without a shell.
func bare() io.Reader { return bytes.NewReader([]byte("QFI\xfb this is a disk that nobody can boot")) }

func (p *place) dial(user string, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	if len(auth) == 0 {
		auth = []ssh.AuthMethod{ssh.PublicKeys(p.key)}
	}
	return ssh.Dial("tcp", p.address, &ssh.ClientConfig{
		User: user, Auth: auth, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Timeout: time.Minute,
	})
}

func (p *place) client(user string) *ssh.Client {
	p.t.Helper()
	c, err := p.dial(user)
	if err != nil {
		p.t.Fatalf("logging in as %s: %v", user, err)
	}
	p.t.Cleanup(func() { c.Close() })
	return c
}

// result is a command's end.
type result struct {
	out, err string
	code     int
}

func (p *place) run(user, command string) result {
	p.t.Helper()
	return p.runWith(user, command, "")
}

func (p *place) runWith(user, command, stdin string) result {
	p.t.Helper()
	c, err := p.dial(user)
	if err != nil {
		p.t.Fatalf("logging in as %s: %v", user, err)
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		p.t.Fatal(err)
	}
	defer s.Close()
	var out, errOut bytes.Buffer
	s.Stdin, s.Stdout, s.Stderr = strings.NewReader(stdin), &out, &errOut
	r := result{}
	var exit *ssh.ExitError
	switch err := s.Run(command); {
	case errors.As(err, &exit):
		r.code = exit.ExitStatus()
	case err != nil:
		p.t.Fatalf("running %q: %v", command, err)
	}
	r.out, r.err = out.String(), errOut.String()
	return r
}

// must runs a command as root and fails the test unless it ends with 0.
func (p *place) must(command string) string {
	p.t.Helper()
	r := p.run("root", command)
	if r.code != 0 {
		p.t.Fatalf("%s\nstatus %d\nout: %s\nerr: %s", command, r.code, r.out, r.err)
	}
	return r.out
}

func TestBootTime(t *testing.T) {
	p := boot(t, bare(), nil)
	best := time.Hour
	for range 5 {
		started := time.Now()
		if err := p.Reboot(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(started))
	}
	t.Logf("fastest of 5 boots: %v", best)
	if best > time.Second {
		t.Errorf("a boot takes %v", best)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	for _, c := range []struct {
		name, user, command, in, out, err string
		code                              int
	}{
		{name: "echo", command: "echo hello", out: "hello\n"},
		{name: "status", command: "exit 7", code: 7},
		{name: "status of a pipe", command: "false | true"},
		{name: "unknown command", command: "nosuch", code: 127, err: "sh: nosuch: command not found\n"},
		{name: "set -e", command: "set -e; false; echo not reached", code: 1},
		{name: "stderr", command: "echo oops >&2", err: "oops\n"},
		{name: "stdin", command: "cat | tr a-z A-Z", in: "shout\n", out: "SHOUT\n"},
		{name: "heredoc", command: "cat <<END\nHOME is $HOME\nEND", out: "HOME is /root\n"},
		{name: "who", command: "whoami; id -u; pwd", out: "root\n0\n/root\n"},
		{name: "host name", command: "hostname", out: "web-01-test\n"},
		{name: "cloud user", user: "ubuntu", command: "test $(id -u) = 1000 || test $(id -u) = 0; echo $? $HOME $USER; test -w . && " +
			"echo mine", out: "0 /home/ubuntu ubuntu\nmine\n"},
		{
			name: "sudo", user: "ubuntu", command: "sudo whoami; X=1 sudo -E sh -c 'echo $X $HOME'; sudo sh -c 'exit 3'",
			out: "root\n1 /home/ubuntu\n", code: 3,
		},
		{name: "sudo with stdin", user: "ubuntu", command: "sudo tee /etc/motd >/dev/null; cat /etc/motd", in: "hi\n", out: "hi\n"},
		{
			name: "packer's script", user: "ubuntu", out: "openstack x\n", in: "",
			command: "cat >/tmp/script_1.sh <<'EOF'\n#!/bin/sh -e\necho $PACKER_BUILDER_TYPE $PACKER_BUILD_NAME\nEOF\nchmod +x " +
				"/tmp/script_1.sh; PACKER_BUILDER_TYPE='openstack' PACKER_BUILD_NAME='x' /tmp/script_1.sh",
		},
		{
			name: "packer's script with sudo", user: "debian", out: "openstack 0\n",
			command: "printf 'echo $PACKER_BUILDER_TYPE $(id -u)\\n' >/tmp/s2.sh; PACKER_BUILDER_TYPE='openstack' sudo -E sh '/tmp/s2.sh'",
		},
		{name: "script's status", command: "printf '#!/bin/sh\\nset -e\\nfalse\\necho no\\n' >/tmp/f; chmod 755 /tmp/f; /tmp/f", code: 1},
		{name: "bash script", command: "printf '#!/bin/bash\\nset -euo pipefail\\na=(1 2 3)\\necho ${#a[@]}\\n' >/tmp/b; chmod 755 " +
			"/tmp/b; /tmp/b", out: "3\n"},
		{name: "env script", command: "printf '#!/usr/bin/env bash\\necho via env\\n' >/tmp/e; chmod 755 /tmp/e; /tmp/e", out: "via env\n"},
		{name: "no shebang", command: "echo 'echo plain $1' >/tmp/n; chmod 755 /tmp/n; /tmp/n x", out: "plain x\n"},
		{name: "missing file", command: "cat /nosuch", code: 1, err: "cat: /nosuch: No such file or directory\n"},
		{name: "a program of one's own", command: "mkdir -p /usr/local/bin; printf '#!/bin/sh\\necho mine\\n' >/usr/local/bin/cat; " +
			"chmod 755 /usr/local/bin/cat; cat; rm /usr/local/bin/cat", out: "mine\n"},
		{name: "command -v", command: "command -v sed && command -v nosuch", out: "/usr/bin/sed\n", code: 1},
		{name: "trap", command: "trap 'echo bye' EXIT INT; echo hi", out: "hi\nbye\n"},
		{name: "umask", command: "umask 077; touch /tmp/u; stat -c %a /tmp/u", out: "600\n"},
		{name: "signal", command: "sh -c 'kill -TERM $$'", code: 143},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.user == "" {
				c.user = "root"
			}
			got := p.runWith(c.user, c.command, c.in)
			if got.out != c.out || got.code != c.code || got.err != c.err {
				t.Errorf("%s\n got status %d, out %q, err %q\nwant status %d, out %q, err %q", c.command, got.code, got.out, got.err,
					c.code, c.out, c.err)
			}
		})
	}
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	s, err := p.client("root").NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	// The command waits for an answer to its first line, so that it can't come with the second one.
	if err := s.Start("echo first; read answer; echo $answer"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 6)
	if _, err := io.ReadFull(out, b); err != nil || string(b) != "first\n" {
		t.Fatalf("got %q, %v", b, err)
	}
	fmt.Fprintln(in, "second")
	if rest, err := io.ReadAll(out); err != nil || string(rest) != "second\n" {
		t.Errorf("then %q, %v", rest, err)
	}
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	s, err := p.client("root").NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RequestPty("xterm", 24, 80, ssh.TerminalModes{}); err != nil {
		t.Fatal(err)
	}
	in, _ := s.StdinPipe()
	var out lockedBuffer
	s.Stdout = &out
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	if err := s.WindowChange(50, 132); err != nil {
		t.Fatal(err)
	}
	// What the command prints, unlike the echo of its line, comes when it runs.
	fmt.Fprint(in, "tty && echo $TERM-$((6*7))\nsh -c 'echo runs-$((6*7)); exec sleep 600'\n")
	waitOutput(t, &out, "runs-42")
	fmt.Fprint(in, "\x03")
	waitOutput(t, &out, "^C")
	fmt.Fprint(in, "exit 4\n")
	var exit *ssh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 4 {
		t.Errorf("the shell ended with %v", err)
	}
	if !strings.Contains(out.String(), "/dev/pts/0") || !strings.Contains(out.String(), "xterm-42") {
		t.Errorf("the terminal shows %q", out.String())
	}
}

// lockedBuffer may be read while it is written to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func waitOutput(t *testing.T, out *lockedBuffer, text string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(out.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the terminal never shows %q: %q", text, out.String())
		}
	}
}

func TestForwarding(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	c := p.client("root")
	conn, err := c.Dial("tcp", "169.254.169.254:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /openstack/latest/meta_data.json HTTP/1.0\r\n\r\n")
	b, err := io.ReadAll(conn)
	if err != nil || !bytes.Contains(b, []byte(`"role":"web"`)) {
		t.Errorf("got %s, %v", b, err)
	}
	// The host's own listeners are out of reach.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if conn, err := c.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("the guest reaches a listener of the host")
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	p.must("echo kept >/root/kept")
	started := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopping took %v", time.Since(started))
	if _, err := p.dial("root"); err == nil {
		t.Error("a stopped guest takes log-ins")
	}
	if _, open := <-p.Events(); open {
		t.Error("an event of a guest that was stopped")
	}
	b, err := os.ReadFile(filepath.Join(host.Root(p.dir), "root/kept"))
	if err != nil || string(b) != "kept\n" {
		t.Errorf("the file has %q, %v", b, err)
	}
}
