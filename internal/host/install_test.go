package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

// What couldn't be used isn't installed, and nothing of it is left behind.
func TestOnlyWhatCanBeUsedIsInstalled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		code       int
		file       func(t *testing.T, w *world) string
	}{
		{"no program", "no program for", 1, func(t *testing.T, w *world) string {
			t.Helper()
			write(t, w.path("text"), "hello\n")
			return put(t, w.path("text"), w.dir, "text")
		}},
		{"another program", "ended before it was ready", 1, func(t *testing.T, w *world) string {
			t.Helper()
			write(t, w.path("script"), "#!/bin/sh\nexit 0\n")
			return put(t, w.path("script"), w.dir, "true")
		}},
		{"another plugin's word", `plugin "extra" claims "demo", which is plugin "demo"'s`, 6, func(t *testing.T, w *world) string {
			t.Helper()
			return put(t, claims, w.dir, "extra")
		}},
		{"a folder that others may write", "others may write its folder", 6, func(t *testing.T, w *world) string {
			t.Helper()
			folder := w.path(".local/share/imgctl/plugins")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			chmod(t, folder, 0o777)
			return put(t, claims, w.dir, "own")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.run("plugin", "install", "--yes", c.file(t, w))
			if r.code != c.code || !strings.Contains(r.stderr, c.want) {
				t.Errorf("exit %d, want %d and %q\n%s", r.code, c.code, c.want, r.stderr)
			}
			left, err := os.ReadDir(w.path(".local/share/imgctl/plugins"))
			if _, locked := os.Stat(w.path(".config/imgctl/plugins.lock.yaml")); err != nil || len(left) > 0 || locked == nil {
				t.Errorf("it left %v, %v; trusted: %v", left, err, locked == nil)
			}
		})
	}
}

// --timeout stops imgctl's own commands, too.
func TestAnInstallationThatTakesTooLong(t *testing.T) {
	t.Parallel()
	w := alone(t)
	r := w.run("plugin", "install", "--yes", "--timeout", "300ms", plugintest.Hostile(t, w.dir, "mute"))
	if r.code != 1 || r.stderr != "Error: timed out after 300ms; give it more with --timeout\n" {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	if left, err := os.ReadDir(w.path(".local/share/imgctl/plugins")); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	w.good("plugin", "list", "--timeout", "1h")
	w.bad(2, "--timeout", "plugin", "list", "--timeout", "soon")
}

// A plugin that can't be put in its place isn't trusted, and the earlier one stays.
func TestAnInstallationThatFailsAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write(t, w.path(".local/share/imgctl/plugins/imgctl-own/taken"), "")
	if r := w.run("plugin", "install", "--yes", put(t, claims, w.dir, "own")); r.code == 0 || !strings.Contains(r.stderr, "rename") {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	text, err := os.ReadFile(w.path(".config/imgctl/plugins.lock.yaml"))
	if err == nil && strings.Contains(string(text), "name: own") {
		t.Errorf("it is trusted:\n%s", text)
	}
	left, err := filepath.Glob(w.path(".local/share/imgctl/plugins/.install-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// A plugin with the name of one under development is installed with a warning that the other one runs.
func TestInstallingWhatIsUnderDevelopment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run("plugin", "install", "--yes", put(t, claims, w.plugins(), "own"))
	if r.code != 0 || !strings.Contains(r.stderr, "Warning: imgctl runs "+w.plugins()+"/imgctl-own instead") {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
}
