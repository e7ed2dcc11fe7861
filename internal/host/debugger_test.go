package host_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

var waitsFor = regexp.MustCompile(`^Plugin demo is process (\d+), and waits for a debugger: attach one, such as with dlv attach (\d+)$`)

// A plugin that is to be debugged begins when something traces it, and works as ever then.
func TestAPluginWaitsForADebugger(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells whether a process is traced")
	}
	if out, err := exec.Command("strace", "-f", "true").CombinedOutput(); err != nil {
		t.Skipf("strace doesn't work here, which stands in for a debugger: %v %.200s", err, out)
	}
	w := installed(t)
	w.env = append(w.env, "IMGCTL_DEBUGGER=demo")
	cmd := w.command("demo", "rows", "-f", "value")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	// A file, which can be looked at while the command still writes.
	output := filepath.Join(t.TempDir(), "stdout")
	file, err := os.Create(output)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	cmd.Stdout = file
	stdout := func() string {
		written, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		return string(written)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _, err := bufio.NewReader(stderr).ReadLine()
	found := waitsFor.FindStringSubmatch(string(line))
	if err != nil || found == nil || found[1] != found[2] || stdout() != "" {
		_ = cmd.Process.Kill()
		t.Fatalf("it says %q, %v; %q", line, err, stdout())
	}
	tracer := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-e", "trace=none", "-p", found[1])
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = tracer.Process.Wait() }()
	if err := cmd.Wait(); err != nil || stdout() == "" {
		t.Errorf("once it is traced: %v; %q", err, stdout())
	}
	w.env = append(w.env, "IMGCTL_DEBUGGER=other")
	if r := w.run("demo", "rows", "-f", "value"); r.code != 0 || r.stdout != stdout() || r.stderr != "" {
		t.Errorf("for another plugin: exit %d, %q\n%s", r.code, r.stdout, r.stderr)
	}
}
