//go:build linux

package host_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

// probe puts the program that tries to reach the host into a guest.
func (p *place) probe() {
	p.t.Helper()
	b, err := os.ReadFile(tool(p.t, "probe"))
	if err != nil {
		p.t.Fatal(err)
	}
	if r := p.runWith("root", "cat >/usr/local/bin/probe && chmod 755 /usr/local/bin/probe", string(b)); r.code != 0 {
		p.t.Fatal(r.err)
	}
}

func TestIsolation(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("host"), 0o666); err != nil {
		t.Fatal(err)
	}
	// A file that this process would leave open to any child, as one that it was started with is.
	leak, err := syscall.Open(secret, syscall.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(leak)
	p := boot(t, bare(), nil)
	p.probe()
	h := newHost(t, secret)
	if got := p.must(h.environment() + " probe"); got != "" {
		t.Errorf("what a guest's root may do:\n%s", got)
	}
	h.untouched(p)
	if got := p.must("ls -l /proc/1/fd | grep -c secret || true"); got != "0\n" {
		t.Error("pid 1 holds a file of the host")
	}
	// Nor does the guest see, or end, the host's processes.
	sleeper := exec.Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() }()
	p.run("root", fmt.Sprintf("kill -9 %d; kill -9 1; kill -QUIT 1; kill -9 -1", sleeper.Process.Pid))
	if err := sleeper.Process.Signal(os.Signal(nil)); err != nil && strings.Contains(err.Error(), "finished") {
		t.Error("the guest ended a process of the host")
	}
	if got := p.must("ps | wc -l"); strings.TrimSpace(got) > "5" {
		t.Errorf("the guest sees %s lines of processes:\n%s", got, p.must("ps"))
	}
	if got := p.must("cat /proc/net/dev | grep -c :"); got != "1\n" {
		t.Errorf("the guest has %s interfaces", got)
	}
}

func TestTwoGuests(t *testing.T) {
	t.Parallel()
	a, b := boot(t, bare(), nil), boot(t, bare(), nil)
	script := "echo a >/root/a; hostname first; nohup sleep 777 >/dev/null 2>&1 & n=0; " +
		"while [ $n -lt 600 ] && ! ps | grep -q '[s]leep 777'; do sleep 0.1; n=$((n+1)); done; ps | grep -c '[s]leep 777' || true"
	if got := a.must(script); got == "0\n" {
		t.Fatal("the first guest's process doesn't run")
	}
	if r := b.run("root", "ls /root/a"); r.code == 0 {
		t.Error("one guest sees the other's files")
	}
	if got := b.must("hostname; ps | grep -c '[s]leep 777' || true"); got != "web-01-test\n0\n" {
		t.Errorf("the second guest says %q", got)
	}
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	mark := strconv.Itoa(100_000 + os.Getpid()) // seconds of sleep, which nobody else's has
	p.must("nohup sleep " + mark + " >/dev/null 2>&1 &")
	p.Kill()
	if b, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(b), p.dir) {
		t.Errorf("%v; mounts:\n%s", err, b)
	}
	for deadline := time.Now().Add(time.Minute); hasProcess("sleep\x00" + mark); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a process of the guest outlives it")
		}
	}
	if err := host.Remove(p.dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(p.dir); err == nil {
		t.Error("the instance's folder is still there")
	}
}

// TestHostDies runs a guest in a process that is killed.
func TestHostDies(t *testing.T) {
	if dir := os.Getenv("GUEST_TEST_HOST"); dir != "" {
		script := "#!/bin/sh\nnohup sleep " + os.Getenv("GUEST_TEST_MARK") + "\n"
		g, err := host.Boot(t.Context(), host.Config{
			Dir: dir, Agent: tool(t, "agent"), UUID: "x", Name: "x",
			UserData: []byte(script),
		})
		if err != nil {
			t.Fatal(err)
		}
		<-g.Events()
		return
	}
	dir := t.TempDir()
	if err := host.Unpack(bare(), host.Root(dir), 1<<30); err != nil {
		t.Fatal(err)
	}
	mark := strconv.Itoa(200_000 + os.Getpid())
	booter := exec.Command(os.Args[0], "-test.run=^TestHostDies$")
	booter.Env = append(os.Environ(), "GUEST_TEST_HOST="+dir, "GUEST_TEST_MARK="+mark, "GUEST_TEST_BIN="+filepath.Dir(tool(t, "agent")))
	if err := booter.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !hasProcess("sleep\x00" + mark); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = booter.Process.Kill()
			_ = booter.Wait()
			t.Fatal("the guest did not come up")
		}
	}
	_ = booter.Process.Kill()
	_ = booter.Wait()
	for deadline := time.Now().Add(time.Minute); hasProcess("sleep\x00" + mark); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the guest outlives the process that booted it")
		}
	}
	if err := host.Remove(dir); err != nil {
		t.Error(err)
	}
}

// hasProcess looks for a command line, words separated by zero bytes.
func hasProcess(line string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), line) {
			return true
		}
	}
	return false
}

func TestOffFromTheInside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, user, command string
		want                host.Event
	}{
		{"poweroff", "root", "poweroff", host.Off},
		{"shutdown", "root", "sudo shutdown -P now", host.Off},
		{"reboot", "root", "reboot", host.Rebooted},
		{"sudo reboot", "ubuntu", "sudo reboot", host.Rebooted},
		{"systemctl", "root", "systemctl reboot", host.Rebooted},
		{"cancelled", "root", "shutdown -h 1 && shutdown -r +5 && shutdown -c && poweroff", host.Off},
		{"busybox's signal", "root", "kill -USR2 1", host.Off},
		{"telinit 6", "root", "{ printf '\\151\\031\\011\\003\\001\\000\\000\\000\\066\\000\\000\\000'; head -c 372 /dev/zero; } " +
			">/run/initctl", host.Rebooted},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := boot(t, bare(), nil)
			p.must("echo kept >/root/kept; echo gone >/tmp/gone")
			client := p.client(c.user)
			s, err := client.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Run(c.command); err != nil {
				t.Errorf("%s: %v", c.command, err)
			}
			_ = client.Wait() // the connection ends with the guest
			select {
			case e := <-p.Events():
				if e != c.want {
					t.Errorf("the guest is %s", e)
				}
			case <-time.After(time.Minute):
				t.Fatal("nothing happened")
			}
			if c.want == host.Rebooted {
				if got := p.must("cat /root/kept; ls /tmp | wc -l"); got != "kept\n0\n" {
					t.Errorf("after the reboot: %q", got)
				}
			}
		})
	}
	t.Run("system call", func(t *testing.T) {
		p := boot(t, bare(), nil)
		p.probe()
		if s, err := p.client("root").NewSession(); err == nil {
			_ = s.Run("probe reboot")
		}
		select {
		case e := <-p.Events():
			if e != host.Off {
				t.Errorf("the guest is %s", e)
			}
		case <-time.After(time.Minute):
			t.Fatal("nothing happened")
		}
	})
	t.Run("not by everybody", func(t *testing.T) {
		p := boot(t, bare(), nil)
		if os.Geteuid() != 0 {
			t.Skip("one user id is mapped, so everybody is root")
		}
		if r := p.run("ubuntu", "poweroff"); r.code == 0 {
			t.Error("a user may turn the machine off")
		}
		p.must("true")
	})
}
