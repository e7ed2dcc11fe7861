package host_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

// IMGCTL_MANY is how often the many rows are listed; once is enough each day.
func times(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("IMGCTL_MANY"))
	if err != nil {
		return 1
	}
	return n
}

// No row is lost, and all are in order, in whichever format that scripts read.
func TestManyRowsArrive(t *testing.T) {
	t.Parallel()
	const many = 100_000
	w := newWorld(t)
	for range times(t) {
		var objects []struct {
			Number int
			Name   string
		}
		if err := json.Unmarshal([]byte(w.good("demo", "rows", strconv.Itoa(many), "-f", "json")), &objects); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(strings.NewReader(w.good("demo", "rows", strconv.Itoa(many), "-f", "csv"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(w.good("demo", "rows", strconv.Itoa(many), "-f", "value"), "\n"), "\n")
		if len(objects) != many || len(records) != many+1 || len(lines) != many {
			t.Fatalf("%d objects, %d records, %d lines", len(objects), len(records), len(lines))
		}
		for i := range many {
			name := fmt.Sprintf("name %d", i)
			if objects[i].Number != i || objects[i].Name != name || records[i+1][1] != name || lines[i] != strconv.Itoa(i)+" "+name {
				t.Fatalf("row %d: %v, %v, %q", i, objects[i], records[i+1], lines[i])
			}
		}
	}
}

// Who closes the pipe early gets no complaint, and the status that a shell has for it.
func TestAClosedPipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cmd := w.command("demo", "rows", "1000000", "-f", "value")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "0 name 0\n" {
		t.Errorf("%q, %v", line, err)
	}
	out.Close()
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 141 || stderr.String() != "" {
		t.Errorf("exit %d\n%s", code, stderr.String())
	}
}

// pidOf waits until the plugin has said its process's number.
func pidOf(t *testing.T, stderr *bufio.Reader) int {
	t.Helper()
	for {
		line, err := stderr.ReadString('\n')
		if err != nil {
			t.Fatalf("the plugin didn't say its process's number: %v", err)
		}
		if _, text, ok := strings.Cut(line, "pid="); ok {
			pid, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
}

func gone(pid int) bool { return syscall.Kill(pid, 0) != nil }

// A host that is killed leaves no plugin behind, once that has cleaned up.
func TestAKilledHostLeavesNoPlugin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cmd := w.command("demo", "wait", "--cleanup", "100ms")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := pidOf(t, bufio.NewReader(stderr))
	if gone(pid) {
		t.Fatal("the test looks at the wrong process")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the plugin ends", func() bool { return gone(pid) })
}

// What a plugin has started ends with it.
func TestAPluginLeavesNoProcess(t *testing.T) {
	t.Parallel()
	pid, err := strconv.Atoi(strings.TrimSpace(newWorld(t).good("demo", "spawn", "-f", "value")))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the plugin's child ends", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// begin starts imgctl, and gives what it writes.
func begin(t *testing.T, cmd *exec.Cmd) (stdout *strings.Builder, stderr *bufio.Reader) {
	t.Helper()
	stdout = &strings.Builder{}
	cmd.Stdout = stdout
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return stdout, bufio.NewReader(pipe)
}

// A plugin that is told to stop has all the time it needs, and the user sees what it says.
func TestSignalsLetThePluginCleanUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signal syscall.Signal
		reason string
	}{{syscall.SIGINT, "interrupt"}, {syscall.SIGTERM, "terminated"}, {syscall.SIGHUP, "hangup"}} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			// Longer than the two seconds that go-plugin would give it.
			cmd := w.command("demo", "wait", "--cleanup", "3s")
			stdout, stderr := begin(t, cmd)
			pid := pidOf(t, stderr)
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			var rest strings.Builder
			if _, err := stderr.WriteTo(&rest); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit %d", code)
			}
			if stdout.String() != "cleaned up\n" || !strings.Contains(rest.String(), "Stopping ("+c.reason+"), cleaning up") {
				t.Errorf("%q\n%s", stdout.String(), rest.String())
			}
			if !gone(pid) {
				t.Error("the plugin is still there")
			}
		})
	}
}

// A signal that comes twice, as timeout sends it, or with another one, as systemd does, is one.
func TestSignalsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cmd := w.command("demo", "wait", "--cleanup", "3s")
	stdout, stderr := begin(t, cmd)
	pidOf(t, stderr)
	for _, next := range []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGHUP} {
		if err := cmd.Process.Signal(next); err != nil {
			t.Fatal(err)
		}
	}
	var rest strings.Builder
	if _, err := stderr.WriteTo(&rest); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	code, said := cmd.ProcessState.ExitCode(), rest.String()
	if code != 130 || stdout.String() != "cleaned up\n" || strings.Contains(said, "abandoned") {
		t.Errorf("exit %d\n%s%s", code, stdout.String(), said)
	}
}

func TestTheSecondSignalAbandons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cmd := w.command("demo", "wait", "--stubborn")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr := bufio.NewReader(pipe)
	pid := pidOf(t, stderr)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for line := ""; !strings.Contains(line, "Stopping"); {
		if line, err = stderr.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(apart)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	if _, err := stderr.WriteTo(&rest); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(rest.String(), "unfinished: waiting") {
		t.Errorf("exit %d\n%s", code, rest.String())
	}
	eventually(t, "the plugin ends", func() bool { return gone(pid) })
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run("demo", "wait", "--timeout", "200ms")
	if r.code != 1 || !strings.Contains(r.stderr, "timed out after 200ms") || r.stdout != "cleaned up\n" {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// A list that was interrupted isn't whole, even if the plugin says that it has succeeded.
func TestAnInterruptedListIsNotWhole(t *testing.T) {
	t.Parallel()
	w := alone(t)
	w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.plugins(), "partial"))
	cmd := w.command("hostile", "partial", "-f", "csv")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	rows := bufio.NewReader(out)
	for range 2 { // the titles, and a row
		if line, err := rows.ReadString('\n'); err != nil {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, rows); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(stderr.String(), "the results may be incomplete") {
		t.Errorf("exit %d\n%s", code, stderr.String())
	}
	r := w.run("hostile", "partial", "-f", "csv", "--timeout", "1s")
	if r.code != 1 || !strings.Contains(r.stderr, "timed out after 1s: the results may be incomplete") {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
}

// A plugin that doesn't listen is given up at the second signal, whatever it does.
func TestADeafPluginIsGivenUp(t *testing.T) {
	t.Parallel()
	w := alone(t)
	w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.plugins(), "deaf"))
	cmd := w.command(strings.Fields(commandsOf(t, w, "deaf")[0])...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr := bufio.NewReader(pipe)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "not listening\n" {
		t.Fatalf("%q, %v", line, err)
	}
	for _, want := range []string{"Stopping", "abandoned"} {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		for line := ""; !strings.Contains(line, want); {
			if line, err = stderr.ReadString('\n'); err != nil {
				t.Fatalf("no %q: %v", want, err)
			}
		}
		time.Sleep(apart)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d", code)
	}
}
