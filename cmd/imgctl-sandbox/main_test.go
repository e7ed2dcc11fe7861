package main_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// result is what a run of the program left.
type result struct {
	status         int
	stdout, stderr string
}

func execute(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path := sandboxtest.Agent(t) // the first test builds it, which may take longer than a run
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "OS_AUTH_URL=http://elsewhere.example", "TMPDIR="+t.TempDir())
	return cmd
}

// port is one that everybody may bind.
const port = "--ssh-port=2222"

func TestRun(t *testing.T) {
	t.Parallel()
	faults := filepath.Join(t.TempDir(), "faults.yaml")
	if err := os.WriteFile(faults, []byte("- {path: /image/**, do: smash}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // parts of what is printed
	}{
		{"status of the command", []string{"run", port, "--", "sh", "-c", "exit 7"}, 7, "", ""},
		{"environment", []string{
			"run", port, "--", "sh", "-c",
			`echo "$OS_CLOUD:$OS_AUTH_URL"; grep -c auth_url: "$OS_CLIENT_CONFIG_FILE"`,
		}, 0, "demo:\n7\n", ""},
		{"cloud", []string{"run", port, "--cloud", "admin", "--", "sh", "-c", "echo $OS_CLOUD"}, 0, "admin\n", ""},
		{"flags of the command", []string{"run", port, "sh", "-c", "echo $1", "-", "--dir"}, 0, "--dir\n", ""},
		{"killed command", []string{"run", port, "--", "sh", "-c", "kill -9 $$"}, 137, "", ""},
		{"unknown command", []string{"run", port, "--", "no-such-command"}, 127, "", "no-such-command"},
		{"not executable", []string{"run", port, "--", "/etc/passwd"}, 126, "", "permission denied"},
		{"unknown cloud", []string{"run", port, "--cloud", "nope", "--", "true"}, 1, "", `cloud "nope" is unknown; there are admin`},
		{"no command", []string{"run"}, 1, "", "requires at least 1 arg"},
		{"bad faults", []string{"run", port, "--faults", faults, "--", "true"}, 1, "", `reading fault rule 1: do "smash" is unknown`},
		{"bad address", []string{"run", port, "--addr", "0.0.0.0:0", "--", "true"}, 1, "", "not a loopback one"},
		{"unknown quota", []string{"run", port, "--quota", "cpus=1", "--", "true"}, 1, "", `quota "cpus" is unknown; there are backups, cores,`},
		{"empty quota", []string{"run", port, "--quota", "", "--", "true"}, 1, "", `quota "": give NAME=NUMBER`},
		{"image quota of 0", []string{"run", port, "--quota", "images=0", "--", "true"}, 1, "", "at least 1"},
		{"all options", []string{
			"run", port, "--quota", "instances=0", "--quota", "images=-1", "--page-size", "2", "--clock-offset", "-5m",
			"--request-log", filepath.Join(t.TempDir(), "log"), "--", "true",
		}, 0, "", ""},
		{"missing image", []string{"run", port, "--image", "x=/nope", "--", "true"}, 1, "", `adding image "x": open /nope`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := execute(t, program(t, tt.args...))
			if r.status != tt.status || !strings.Contains(r.stdout, tt.stdout) || !strings.Contains(r.stderr, tt.stderr) {
				t.Errorf("status %d, want %d\nstdout: %s\nstderr: %s", r.status, tt.status, r.stdout, r.stderr)
			}
		})
	}
}

func TestRunForwardsSignalsOnce(t *testing.T) {
	t.Parallel()
	// The command ends at the second SIGINT, so a doubled one would show.
	cmd := program(t, "run", port, "--", "sh", "-c",
		`trap 'n=x$n; echo int $n; [ $n = xx ] && exit 5' INT; echo ready; while :; do sleep 0.05; done`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, want := range []string{"ready", "int x", "int xx"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("printed %q, want %q", lines.Text(), want)
		}
		if want == "int xx" {
			break
		}
		// The whole group, as a terminal's Ctrl-C.
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != 5 {
		t.Errorf("ended with %v", cmd.ProcessState)
	}
}

func TestServeStopsCleanly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := program(t, "serve", port)
	cmd.Env = append(cmd.Env, "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, printed := bufio.NewScanner(out), ""
	for !strings.Contains(printed, "Stop it with Ctrl-C") && lines.Scan() {
		printed += lines.Text() + "\n"
	}
	if !strings.Contains(printed, "export OS_CLOUD=demo") {
		t.Errorf("printed %s", printed)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d entries in the temporary folder while serving, want 1", len(left))
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d entries are left in the temporary folder", len(left))
	}
}

// nobody makes a command run as an unprivileged user.
func nobody(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	// The program and its temporary files have to be where anybody may go.
	dir, err := os.MkdirTemp("", "imgctl-nobody-") //nolint:usetesting // nobody else may enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// A process of its own copies: a file that this one writes may be open in a child that it is just
	// starting, and then nobody can execute it.
	copied := filepath.Join(dir, "imgctl-sandbox")
	if out, err := exec.CommandContext(t.Context(), "cp", cmd.Path, copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd.Path = copied
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

func TestUnprivilegedRunIsolatesItself(t *testing.T) {
	t.Parallel()
	if start, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err != nil ||
		strings.TrimSpace(string(start)) != "1024" {
		t.Skip("port 22 is open to everybody here, or this is not Linux")
	}
	cmd := program(t, "run", "--", "sh", "-c", "id -u; ls /sys/class/net; exit 3")
	nobody(t, cmd)
	r := execute(t, cmd)
	if strings.Contains(r.stderr, "entering a network namespace") {
		t.Skip("namespaces are not allowed here: " + r.stderr)
	}
	if r.status != 3 || !strings.Contains(r.stderr, "network namespace of their own") {
		t.Errorf("status %d\nstdout: %s\nstderr: %s", r.status, r.stdout, r.stderr)
	}
	if os.Geteuid() == 0 && !strings.HasPrefix(r.stdout, "65534\n") {
		t.Errorf("the user changed: %s", r.stdout)
	}
}

func TestUnprivilegedServeExplains(t *testing.T) {
	t.Parallel()
	if start, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err != nil ||
		strings.TrimSpace(string(start)) != "1024" {
		t.Skip("port 22 is open to everybody here, or this is not Linux")
	}
	cmd := program(t, "serve")
	nobody(t, cmd)
	if r := execute(t, cmd); r.status != 1 || !strings.Contains(r.stderr, "--ssh-port 2222") {
		t.Errorf("status %d\nstderr: %s", r.status, r.stderr)
	}
}
