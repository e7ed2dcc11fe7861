package host_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

// A plugin has no terminal, not even one that it opens by its name.
func TestAPluginHasNoTerminal(t *testing.T) {
	t.Parallel()
	w := alone(t)
	w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.dir, "scribe"))
	tm := w.terminal("hostile", "scribe", "-f", "value")
	tm.end(0)
	if screen := tm.screen(); !strings.Contains(screen, "False") || strings.Contains(screen, "writes to the terminal") {
		t.Errorf("%q", screen)
	}
}

// What a plugin has started ends with it, also in a session of its own and without its environment.
func TestAPluginLeavesNoDaemon(t *testing.T) {
	t.Parallel()
	w := alone(t)
	w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.dir, "daemon"))
	pid, err := strconv.Atoi(strings.TrimSpace(w.good("hostile", "daemon", "-f", "value")))
	if err != nil {
		t.Fatal(err)
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(stat), ") Z ") {
		t.Errorf("it is still there: %s", stat)
	}
}

// Plugins start wherever sockets can be: with a TMPDIR that is too long for one, without a runtime
// folder, and though somebody else has taken the folder's name.
func TestPlacesForSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := w.path(strings.Repeat("x", 100))
	taken := w.path("t")
	for _, dir := range []string{long, taken, filepath.Join(taken, fmt.Sprintf("imgctl-%d", os.Getuid()))} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	chmod(t, filepath.Join(taken, fmt.Sprintf("imgctl-%d", os.Getuid())), 0o777) // as one that isn't the user's alone
	for _, env := range [][]string{
		{"XDG_RUNTIME_DIR=", "TMPDIR=" + long},
		{"XDG_RUNTIME_DIR=" + long, "TMPDIR=" + long},
		{"XDG_RUNTIME_DIR=/nonexistent", "TMPDIR=/nonexistent"},
		{"XDG_RUNTIME_DIR=", "TMPDIR=" + taken},
	} {
		cmd := w.command("demo", "rows", "1", "-f", "value")
		cmd.Env = append(cmd.Env, env...)
		if r := finish(t, cmd); r.code != 0 || r.stdout != "0 name 0\n" {
			t.Errorf("%s: exit %d\n%s%s", env, r.code, r.stdout, r.stderr)
		}
	}
	if left, err := filepath.Glob(filepath.Join(taken, "imgctl-*")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// Commands run in a folder that the user may not look into, as after sudo -u from somebody else's home.
func TestAWorkingFolderThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := w.path("closed")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { chmod(t, folder, 0o700) })
	cmd := w.command("demo", "rows", "1", "-f", "value")
	script := []string{"sh", "-c", `chmod 000 . && ! stat . 2>/dev/null && exec "$@"`, "sh"}
	if os.Geteuid() == 0 { // root has to lose the right to look into everything
		script = append([]string{"setpriv", "--bounding-set=-dac_override,-dac_read_search"}, script...)
	}
	program, err := exec.LookPath(script[0])
	if err != nil {
		t.Skip(err)
	}
	cmd.Path, cmd.Args = program, append(script, cmd.Args...)
	cmd.Dir, cmd.Env = folder, append(cmd.Env, "PWD="+folder)
	if r := finish(t, cmd); r.code != 0 || r.stdout != "0 name 0\n" {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}
