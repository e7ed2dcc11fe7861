package host_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// installed puts the plugin demo into the world as the user's own, under another name in a tree
// without packaged plugins.
func installed(t *testing.T, args ...string) *world {
	t.Helper()
	w := alone(t, "OS_CLIENT_CONFIG_FILE=clouds.yaml")
	write(t, w.path("clouds.yaml"), "clouds: {a: {}, b: {}, c: {}}\n")
	w.good(append([]string{"plugin", "install", "--yes", packaged()}, args...)...)
	return w
}

func packaged() string { return filepath.Join(tree, "libexec/imgctl/plugins/imgctl-demo") }

// alone is a world whose imgctl came without plugins.
func alone(t *testing.T, env ...string) *world {
	t.Helper()
	w := newWorld(t, env...)
	w.imgctl = w.path("alone/bin/imgctl")
	if err := os.MkdirAll(filepath.Dir(w.imgctl), 0o700); err != nil {
		t.Fatal(err)
	}
	// A link, since a file that was just written can't be run while another test forks.
	if err := os.Link(filepath.Join(tree, "bin/imgctl"), w.imgctl); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAPluginRunsOnlyIfItIsTrusted(t *testing.T) {
	t.Parallel()
	w := alone(t)
	put(t, packaged(), w.plugins(), "demo")
	w.bad(6, "imgctl plugin trust demo", "demo", "show")
	if w.started() {
		t.Error("it was started all the same")
	}
	w.bad(4, `no plugin "nothing"`, "plugin", "trust", "nothing")
}

func TestInstallAndRemove(t *testing.T) {
	t.Parallel()
	w := alone(t)
	r := w.run("plugin", "install", packaged())
	if r.code != 2 || !strings.Contains(r.stderr, "pass --yes") || !strings.Contains(r.stderr, `imgctl demo rows: "List rows"`) {
		t.Fatalf("without anybody to agree: exit %d\n%s", r.code, r.stderr)
	}
	w.bad(2, `no command "demo"`, "demo", "show")
	w = installed(t, "--cloud", "a")
	w.good("demo", "show")
	if got := w.good("plugin", "list", "-f", "value"); got != "demo 1.2.3 example.org user ok\n" {
		t.Errorf("%q", got)
	}
	var shown map[string]any
	if err := json.Unmarshal([]byte(w.good("plugin", "show", "demo", "-f", "json")), &shown); err != nil {
		t.Fatal(err)
	}
	if shown["source"] != packaged() || len(shown["sha256"].(string)) != 64 || shown["clouds"].([]any)[0] != "a" {
		t.Errorf("%v", shown)
	}
	w.good("plugin", "remove", "demo", "--yes")
	w.bad(2, `no command "demo"`, "demo", "show")
	if out := w.good("plugin", "list", "-f", "json"); out != "[]\n" {
		t.Errorf("%s", out)
	}
}

func TestAChangedFileIsNotTrusted(t *testing.T) {
	t.Parallel()
	w := installed(t)
	w.good("demo", "show")
	path := w.path(".local/share/imgctl/plugins/imgctl-demo")
	appendTo(t, path)
	w.bad(6, "if you changed it: imgctl plugin trust demo", "demo", "show")
	if r := w.run("--help"); r.code != 0 || strings.Count(r.stdout, "is not the file that was trusted") != 1 {
		t.Errorf("help: exit %d\n%s", r.code, r.stdout)
	}
	w.good("plugin", "trust", "demo", "--yes")
	w.good("demo", "show")
}

// A packaged plugin that is not the file in SHA256SUMS doesn't run, nor one that isn't listed.
func TestPackagedPluginsAreChecked(t *testing.T) {
	t.Parallel()
	w := alone(t)
	folder := w.path("alone/libexec/imgctl/plugins")
	path := put(t, packaged(), folder, "demo")
	w.bad(6, "came without checksums", "demo", "show")
	sums, err := os.ReadFile(filepath.Join(filepath.Dir(packaged()), "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "SHA256SUMS"), string(sums))
	w.good("demo", "show")
	put(t, packaged(), folder, "other")
	w.bad(6, "is not among the checksums", "other")
	appendTo(t, path)
	w.bad(6, "is not the file that came with imgctl", "demo", "show")
	if r := w.run("plugin", "trust", "demo", "--yes"); r.code != 2 {
		t.Errorf("trusting a packaged plugin: exit %d\n%s", r.code, r.stderr)
	}
}

func appendTo(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatOthersCouldHaveWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		spoil      func(t *testing.T, w *world, path string)
	}{
		{"written by the group", "others may write it", func(t *testing.T, _ *world, path string) { chmod(t, path, 0o775) }},
		{"written by all", "others may write it", func(t *testing.T, _ *world, path string) { chmod(t, path, 0o757) }},
		{"folder written by all", "others may write its folder", func(t *testing.T, _ *world,
			path string,
		) {
			chmod(t, filepath.Dir(path), 0o777)
		}},
		{"not executable", "it is not executable", func(t *testing.T, _ *world, path string) { chmod(t, path, 0o644) }},
		{"a link out of the folder", "it is a link out of its folder", func(t *testing.T, w *world, path string) {
			t.Helper()
			rename(t, path, w.path("imgctl-demo"))
			if err := os.Symlink(w.path("imgctl-demo"), path); err != nil {
				t.Fatal(err)
			}
		}},
		{"of somebody else", "it belongs to another user", func(t *testing.T, _ *world, path string) {
			t.Helper()
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			if err := os.Chown(path, 12345, 12345); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := installed(t)
			w.good("demo", "show")
			c.spoil(t, w, w.path(".local/share/imgctl/plugins/imgctl-demo"))
			w.bad(6, c.want, "demo", "show")
			if r := w.run("--help"); r.code != 0 || strings.Count(r.stdout, c.want) != 1 {
				t.Errorf("help: exit %d\n%s", r.code, r.stdout)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A lock file that can't be read trusts nobody. imgctl works with what came with it, and says what to do.
func TestABrokenLockFileTrustsNobody(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string){
		"garbled":          func(t *testing.T, path string) { t.Helper(); write(t, path, "version: 1\nplugins: {") },
		"of the future":    func(t *testing.T, path string) { t.Helper(); write(t, path, "version: 2\n") },
		"written by all":   func(t *testing.T, path string) { t.Helper(); write(t, path, "version: 1\n"); chmod(t, path, 0o666) },
		"a folder instead": func(t *testing.T, path string) { t.Helper(); write(t, filepath.Join(path, "x"), "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			put(t, claims, w.plugins(), "own")
			w.good("plugin", "trust", "own", "--yes")
			w.good("own", "list")
			path := w.path(".config/imgctl/plugins.lock.yaml")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			spoil(t, path)
			for _, line := range []string{"--help", "--version", "version", "completion bash", "plugin list", "demo rows"} {
				r := w.run(strings.Fields(line)...)
				if r.code != 0 || r.stdout == "" || !strings.HasPrefix(r.stderr, "Warning: only the plugins that came with imgctl run: ") ||
					strings.Count(r.stderr, path) != 1 {
					t.Errorf("imgctl %s: exit %d\n%s%s", line, r.code, r.stdout, r.stderr)
				}
			}
			if r := w.run("__complete", "demo", ""); r.code != 0 || !strings.Contains(r.stdout, "rows") || r.stderr != "" {
				t.Errorf("completion: exit %d\n%s%s", r.code, r.stdout, r.stderr)
			}
			for _, line := range []string{"own list", "plugin trust own --yes"} {
				if r := w.run(strings.Fields(line)...); r.code != 6 || strings.Count(r.stderr, path) != 2 {
					t.Errorf("imgctl %s: exit %d\n%s", line, r.code, r.stderr)
				}
			}
			all := examined(t, w, 1, "--no-cloud")
			all["plugins trusted plugins"].is(t, "error", path)
			all["plugins own"].is(t, "error", path)
			all["plugins demo"].is(t, "ok", "packaged")
		})
	}
}

// A link that stays in its folder is fine.
func TestLinksInsideTheFolder(t *testing.T) {
	t.Parallel()
	w := installed(t)
	folder := w.path(".local/share/imgctl/plugins")
	rename(t, filepath.Join(folder, "imgctl-demo"), filepath.Join(folder, "demo-1.2.3"))
	if err := os.Symlink("demo-1.2.3", filepath.Join(folder, "imgctl-demo")); err != nil {
		t.Fatal(err)
	}
	w.good("demo", "show")
}

// $PATH and the working folder have no plugins, whatever their files are called.
func TestPathAndWorkingFolderAreNotSearched(t *testing.T) {
	t.Parallel()
	w := alone(t)
	bin := w.path("bin")
	put(t, packaged(), bin, "demo")
	put(t, packaged(), w.dir, "demo")
	w.env = append(w.env, "PATH="+bin+":"+os.Getenv("PATH"), "IMGCTL_PLUGIN_PATH=bin")
	if out := w.good("plugin", "list", "-f", "json"); out != "[]\n" {
		t.Errorf("%s", out)
	}
}

func TestNothingIsShadowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	put(t, packaged(), w.plugins(), "demo")
	w.good("demo", "show")
	if out := w.good("plugin", "list", "-f", "value", "-c", "Origin", "-c", "State"); !strings.HasPrefix(out,
		"packaged ok\ndevelopment it has the name of ") {
		t.Errorf("%s", out)
	}
	w.bad(1, `imgctl comes with a plugin "demo"`, "plugin", "install", "--yes", packaged())
}

// The lock file says which clouds a plugin may use; it is asked before Keystone is.
func TestCloudsAPluginMayUse(t *testing.T) {
	t.Parallel()
	w := installed(t, "--cloud", "a,b")
	w.bad(6, `plugin "demo" may not use cloud "c"`, "demo", "cloud", "--from", "c")
	w.bad(6, `plugin "demo" may not use cloud "c"`, "--os-cloud", "c", "demo", "cloud")
	w.bad(2, "--os-auth-url", "demo", "cloud", "--from", "a")
}
