package host_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

// Each plugin that breaks the rules gets one line that says so, hurts no other plugin, and is
// refused with the right status.
func TestHostilePluginsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, want string }{
		{"exits", `plugin "exits" ended before it was ready (exit status 3); it said: imgctl-exits: the licence has expired`},
		{"mute", `plugin "mute" was not ready after 5s`},
		{"babble", `plugin "babble" was not ready after 5s`},
		{"hangs", `plugin "hangs" did not say what it can do within 5s`},
		{"reserved", `plugin "reserved": `},
		{"shapeless", `plugin "shapeless": `},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := alone(t)
			w.bad(1, c.want, "plugin", "install", "--yes", plugintest.Hostile(t, w.plugins(), c.name))
			trustAnyway(t, w, c.name)
			for range 2 { // found out, and remembered
				r := w.run("--help")
				if r.code != 0 || strings.Count(r.stdout, c.want) != 1 || r.stderr != "" {
					t.Fatalf("help: exit %d, want one line with %q\n%s%s", r.code, c.want, r.stdout, r.stderr)
				}
			}
			w.bad(1, c.want, c.name)
		})
	}
}

// trustAnyway writes a lock file as if the plugin had behaved when it was trusted.
func trustAnyway(t *testing.T, w *world, name string) {
	t.Helper()
	sum := strings.Fields(sha256Of(t, w.plugins()+"/imgctl-"+name))[0]
	write(t, w.path(".config/imgctl/plugins.lock.yaml"),
		"version: 1\nplugins: [{name: "+name+", version: 1.0.0, source: x, protocol: 1, sha256: "+sum+"}]\n")
}

// Nobody takes a word of imgctl's own or of a plugin that came before, unless the user lets them.
func TestAPluginCannotTakeAnothersCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name, want string
		code       int
	}{
		{"extra", `plugin "extra" claims "demo", which is plugin "demo"'s`, 6},
		{"same", `plugin "same" claims "demo", which is plugin "demo"'s`, 6},
		{"builtin", `plugin "builtin": `, 1},
	} {
		put(t, claims, w.plugins(), c.name)
		trustAnyway(t, w, c.name)
		w.bad(c.code, c.want, c.name)
		if out := w.good("plugin", "list", "-f", "value", "-c", "Name"); !strings.HasPrefix(out, "demo\n") {
			t.Errorf("%s: plugin list is not imgctl's: %s", c.name, out)
		}
		w.good("demo", "rows")
		rename(t, filepath.Join(w.plugins(), "imgctl-"+c.name), w.path(c.name))
	}
	put(t, claims, w.plugins(), "extra")
	w.good("plugin", "trust", "extra", "--yes", "--extends", "demo")
	if out := w.good("demo", "extra", "-f", "value"); out != "extra\n" {
		t.Errorf("%q", out)
	}
	w.good("demo", "rows")
	put(t, claims, w.plugins(), "same")
	w.good("plugin", "trust", "same", "--yes", "--extends", "demo")
	w.bad(6, `plugin "same" claims "demo rows", which plugin "demo" has`, "same")
}

func TestHostilePluginsThatRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		code       int
	}{
		{"endless", `plugin "endless" ended without an outcome`, 1},
		{"crash", `plugin "crash" ended without an outcome`, 1},
		{"noisy", "", 0},
		{"hclog", "", 0},
		{"narrow", "Warning: plugin narrow sent a row of 1 values for 2 columns", 0},
		{"broad", "Warning: plugin broad sent a row of 3 values for 2 columns", 0},
		{"twice", "", 0},
		{"mixed", "", 0},
		{"flood", "", 0},
		{"vague", "did not say", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := alone(t)
			w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.plugins(), c.name))
			for _, path := range commandsOf(t, w, c.name) {
				r := w.run(append(strings.Fields(path), "-q")...)
				t.Logf("%s: exit %d\n%.500s\n%.500s", path, r.code, r.stdout, r.stderr)
				if r.code != c.code || !strings.Contains(r.stderr, c.want) {
					t.Errorf("imgctl %s: exit %d, want %d and %q:\n%.1000s", path, r.code, c.code, c.want, r.stderr)
				}
			}
		})
	}
}

// A plugin that failed a moment ago is asked again by who wants it; help doesn't wait for it.
func TestAPluginThatFailedGetsAnotherChance(t *testing.T) {
	t.Parallel()
	w := alone(t)
	marker := w.path("failed")
	script := "#!/bin/bash\n[ -e " + marker + " ] || { touch " + marker + "; exit 1; }\nexec -a imgctl-own " + claims + "\n"
	write(t, w.path("script"), script)
	put(t, w.path("script"), w.plugins(), "own")
	trustAnyway(t, w, "own")
	for range 2 {
		if out := w.good("--help"); !strings.Contains(out, "own — plugin") {
			t.Fatalf("it did not fail, or was asked again:\n%s", out)
		}
	}
	if out := w.good("own", "list", "-f", "value"); out != "own\n" {
		t.Errorf("%q", out)
	}
}
