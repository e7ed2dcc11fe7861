package host_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

// enough is how long what is bounded may take on a machine that has a lot to do. What isn't took minutes.
const enough = 30 * time.Second

// with is a world with the hostile plugin.
func with(t *testing.T, plugin string) *world {
	t.Helper()
	w := alone(t)
	w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.dir, plugin))
	return w
}

// memory is the most memory that a command took, in KiB, and whether that is over the limit. The system
// counts a new process's memory from that of the process it was made by, which is this one.
func memory(t *testing.T, cmd *exec.Cmd, limit int64) (taken int64, over bool) {
	t.Helper()
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		t.Fatal(err)
	}
	taken = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	return taken, taken > max(limit, own.Maxrss)
}

// A message that is too large ends the command with a reason, and without the memory for it: what there
// is, is the plugin's, which counts as well.
func TestAMessageThatIsTooLarge(t *testing.T) {
	t.Parallel()
	w := with(t, "heavy")
	for _, format := range []string{"table", "json", "yaml"} {
		cmd := w.command("hostile", "heavy", "-f", format)
		r := finish(t, cmd)
		taken, over := memory(t, cmd, 400<<10)
		if r.code != 1 || !strings.Contains(r.stderr, "a message of more than 16 MiB") || over {
			t.Errorf("%s: exit %d, %d KiB\n%.300s", format, r.code, taken, r.stderr)
		}
	}
}

// Rows are written as they come in yaml as well: the memory doesn't grow with them, which was 7 KiB each.
func TestManyRowsAsYAML(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const many = 200_000
	cmd := w.command("demo", "rows", strconv.Itoa(many), "-f", "yaml")
	r := finish(t, cmd)
	taken, over := memory(t, cmd, 300<<10)
	if r.code != 0 || strings.Count(r.stdout, "- Number: ") != many || over {
		t.Errorf("exit %d, %d bytes, %d KiB\n%.300s", r.code, len(r.stdout), taken, r.stderr)
	}
}

// Rows that never end don't fill the memory: a table and a sorted list end with an error that says what to do instead.
func TestRowsThatNeverEnd(t *testing.T) {
	t.Parallel()
	w := with(t, "hoard")
	for args, want := range map[string]string{
		"-f table":               "a table of more than 127 rows is too large (128 MiB); choose json, yaml, csv or value",
		"-f csv --sort-column A": "a list to be sorted of more than 127 rows is too large (128 MiB); leave out --sort-column",
	} {
		cmd := w.command(append([]string{"hostile", "hoard"}, strings.Fields(args)...)...)
		r := finish(t, cmd)
		if taken, over := memory(t, cmd, 1<<20); r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, want) || over {
			t.Errorf("%s: exit %d, %d KiB\n%.300s%.300s", args, r.code, taken, r.stdout, r.stderr)
		}
	}
}

// Wrapping takes as long as the text is, whether it is words or one of them.
func TestWrappingMegabytes(t *testing.T) {
	t.Parallel()
	for _, plugin := range []string{"wide", "long"} {
		w := with(t, plugin)
		begun := time.Now()
		r := w.run("hostile", plugin, "--max-width", "80")
		if took := time.Since(begun); r.code != 0 || len(r.stdout) < 3<<20 || took > enough {
			t.Errorf("%s: exit %d, %d bytes after %s\n%.300s", plugin, r.code, len(r.stdout), took, r.stderr)
		}
	}
}

// A plugin with too many commands is a broken one, and slows nothing down.
func TestAManifestThatIsTooLarge(t *testing.T) {
	t.Parallel()
	w := alone(t)
	const want = `plugin "legion": the plugin has 20001 commands; at most 500 are allowed`
	w.bad(1, want, "plugin", "install", "--yes", plugintest.Hostile(t, w.plugins(), "legion"))
	trustAnyway(t, w, "legion")
	if r := w.run("--help"); r.code != 0 || strings.Count(r.stdout, want) != 1 {
		t.Errorf("help: exit %d\n%.1000s%.1000s", r.code, r.stdout, r.stderr)
	}
	begun := time.Now()
	w.good("version")
	if took := time.Since(begun); took > enough/10 {
		t.Errorf("the version took %s", took)
	}
}

// apart is the pause between two signals that aren't one: those within half a second are.
const apart = 1100 * time.Millisecond

// unread starts a command whose standard output nobody reads, and waits until it can write no more.
func unread(t *testing.T, w *world, args ...string) (end func(signals ...syscall.Signal) (code int, took time.Duration, stderr string)) {
	t.Helper()
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd := w.command(args...)
	cmd.Stdout = out
	var stderr strings.Builder
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	last, since := 0, time.Now()
	eventually(t, "the pipe is full", func() bool {
		n, err := unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ)
		if err != nil || n != last {
			last, since = n, time.Now()
		}
		return n > 16<<10 && time.Since(since) > time.Second
	})
	return func(signals ...syscall.Signal) (int, time.Duration, string) {
		begun := time.Now()
		for i, signal := range signals {
			if i > 0 {
				time.Sleep(apart)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = io.Copy(&stderr, bufio.NewReader(pipe))
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode(), time.Since(begun), stderr.String()
	}
}

// A signal is heard though nobody reads the output: one ends the command in order, two at once.
func TestSignalsAreHeardThoughNobodyReads(t *testing.T) {
	t.Parallel()
	for name, signals := range map[string][]syscall.Signal{
		"SIGTERM": {syscall.SIGTERM}, "Ctrl-C twice": {syscall.SIGINT, syscall.SIGINT},
		"a hangup, then SIGTERM": {syscall.SIGHUP, syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := unread(t, newWorld(t), "demo", "rows", "1000000", "-f", "value")
			code, took, stderr := end(signals...)
			if code != 130 || took > enough || !strings.Contains(stderr, "Stopping") {
				t.Errorf("exit %d after %s\n%s", code, took, stderr)
			}
		})
	}
	t.Run("a plugin that pours", func(t *testing.T) {
		t.Parallel()
		code, took, stderr := unread(t, with(t, "torrent"), "hostile", "torrent", "-f", "csv")(syscall.SIGTERM, syscall.SIGTERM)
		if code != 130 || took > enough {
			t.Errorf("exit %d after %s\n%s", code, took, stderr)
		}
	})
	t.Run("imgctl itself", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		cmd := w.command("demo", "rows", "1000000") // a table is drawn at the end, which takes a while
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the plugin's rows fill imgctl's memory", func() bool { return resident(cmd.Process.Pid) > 64<<20 })
		for range 2 {
			_ = cmd.Process.Signal(syscall.SIGINT)
			time.Sleep(apart)
		}
		begun := time.Now()
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 130 || time.Since(begun) > enough {
			t.Errorf("exit %d after %s", code, time.Since(begun))
		}
	})
}

// resident is how much memory a process has, in bytes; 0 once it is gone.
func resident(pid int) int {
	var size, pages int
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)) // the process may be gone
	_, _ = fmt.Sscan(string(text), &size, &pages)
	return pages * os.Getpagesize()
}
