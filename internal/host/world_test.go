package host_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree is imgctl as it is installed, with the plugin demo as the one that comes with it; claims is
// the program of another plugin.
var tree, claims string

func TestMain(m *testing.M) {
	code, err := withTree(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withTree(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "imgctl-tree")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	tree, claims = dir, filepath.Join(dir, "claims")
	plugin := filepath.Join(dir, "libexec/imgctl/plugins/imgctl-demo")
	for path, pkg := range map[string]string{
		filepath.Join(dir, "bin/imgctl"): "../../cmd/imgctl", plugin: "./testdata/plugins/demo",
		claims: "./testdata/plugins/claims",
	} {
		build := exec.Command("go", "build", "-o", path, pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("building %s: %w\n%s", pkg, err, out)
		}
	}
	if err := os.Chmod(filepath.Dir(plugin), 0o755); err != nil {
		return 0, err
	}
	program, err := os.ReadFile(plugin)
	if err != nil {
		return 0, err
	}
	sums := fmt.Sprintf("%x  imgctl-demo\n", sha256.Sum256(program))
	if err := os.WriteFile(filepath.Join(filepath.Dir(plugin), "SHA256SUMS"), []byte(sums), 0o644); err != nil {
		return 0, err
	}
	return run(), nil
}

// patience is how long anything may take on a machine that has a lot to do.
const patience = time.Minute

// world is a user with a home of their own.
type world struct {
	t      *testing.T
	dir    string
	imgctl string
	env    []string
}

func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "ih") //nolint:usetesting // a test's own folder has too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{t: t, dir: dir, imgctl: filepath.Join(tree, "bin/imgctl")}
	for _, name := range []string{"run", "plugins"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "TERM=xterm", "XDG_RUNTIME_DIR=" + filepath.Join(dir, "run"),
		"IMGCTL_PLUGIN_PATH=" + w.plugins(),
	}, env...)
	return w
}

// plugins is the folder for plugins under development.
func (w *world) plugins() string { return filepath.Join(w.dir, "plugins") }

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// result is what a run of imgctl came to.
type result struct {
	stdout, stderr string
	code           int
}

func (w *world) command(args ...string) *exec.Cmd {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, w.imgctl, args...)
	cmd.Env, cmd.Dir = w.env, w.dir
	return cmd
}

func (w *world) run(args ...string) result {
	w.t.Helper()
	return finish(w.t, w.command(args...))
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// good is the standard output of a run that has to succeed.
func (w *world) good(args ...string) string {
	w.t.Helper()
	r := w.run(args...)
	if r.code != 0 {
		w.t.Fatalf("imgctl %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// bad runs what has to fail with the code, in one line that has the text.
func (w *world) bad(code int, text string, args ...string) {
	w.t.Helper()
	r := w.run(args...)
	line := strings.TrimSuffix(r.stderr, "\n")
	if r.code != code || !strings.Contains(line, text) || strings.Contains(line, "\n") {
		w.t.Errorf("imgctl %s: exit %d, want %d; stderr, want one line with %q:\n%s", strings.Join(args, " "), r.code, code, text, r.stderr)
	}
}

// put copies a file into a folder as a plugin.
func put(t *testing.T, from, folder, name string) string {
	t.Helper()
	program, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "imgctl-"+name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func sha256Of(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// commandsOf are the commands of a plugin, as the host knows them.
func commandsOf(t *testing.T, w *world, plugin string) []string {
	t.Helper()
	var shown struct {
		Commands []string `json:"commands"`
	}
	if err := json.Unmarshal([]byte(w.good("plugin", "show", plugin, "-f", "json")), &shown); err != nil {
		t.Fatal(err)
	}
	return shown.Commands
}
