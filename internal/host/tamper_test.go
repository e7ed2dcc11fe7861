package host_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

// forge writes what a file is now into the cache, as what the trusted file was found to be.
func forge(t *testing.T, w *world, plugin string) {
	t.Helper()
	cache := w.path(".cache/imgctl/manifest-v1.json")
	text, err := os.ReadFile(cache)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Stat(plugin, &stat); err != nil {
		t.Fatal(err)
	}
	entry := file["plugins"].(map[string]any)[plugin].(map[string]any)
	entry["identity"] = map[string]any{
		"dev": stat.Dev, "inode": stat.Ino, "size": stat.Size, "mtime_ns": stat.Mtim.Nano(), "ctime_ns": stat.Ctim.Nano(),
	}
	if text, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	write(t, cache, string(text))
}

// The cache grants no trust: whoever can write it can't make a changed file look like the trusted one.
func TestAForgedCacheGrantsNoTrust(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]func(t *testing.T, w *world, plugin string){
		"identity": forge,
		"without its seal": func(t *testing.T, w *world, plugin string) {
			t.Helper()
			forge(t, w, plugin)
			cache := w.path(".cache/imgctl/manifest-v1.json")
			text, err := os.ReadFile(cache)
			if err != nil {
				t.Fatal(err)
			}
			before, _, _ := strings.Cut(string(text), `,"seal"`)
			write(t, cache, before+"}")
		},
		"with a key of the forger's": func(t *testing.T, w *world, plugin string) {
			t.Helper()
			forge(t, w, plugin)
			write(t, w.path(".config/imgctl/cache.key"), strings.Repeat("k", 32))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := installed(t)
			w.good("demo", "show")
			path := w.path(".local/share/imgctl/plugins/imgctl-demo")
			appendTo(t, path)
			tamper(t, w, path)
			w.bad(6, "is not the file that was trusted", "demo", "show")
		})
	}
}

// A cache that others can write isn't read at all, nor one in a folder that they can.
func TestACacheThatOthersCanWrite(t *testing.T) {
	t.Parallel()
	w := installed(t)
	w.good("--help")
	cache := w.path(".cache/imgctl/manifest-v1.json")
	for _, path := range []string{cache, filepath.Dir(cache)} {
		if err := os.RemoveAll(w.path("run/imgctl")); err != nil {
			t.Fatal(err)
		}
		w.good("--help")
		if w.started() {
			t.Fatal("the cache isn't read though it is the user's own")
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		chmod(t, path, info.Mode().Perm()|0o022)
		w.good("--help")
		if !w.started() {
			t.Errorf("%s was believed", path)
		}
		chmod(t, path, info.Mode().Perm())
	}
}

// What runs is what was checked: a script that is swapped repeatedly, by rename or in place,
// never runs as what it was swapped for.
func TestSwappedPluginsDoNotRun(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"rename", "in place"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := alone(t)
			evil := w.path("evil")
			good := "#!/bin/bash\nexec -a imgctl-own " + claims + "\n"
			bad := "#!/bin/bash\ntouch " + evil + " \nexec -a imgctl-own " + claims + "\n"
			write(t, w.path("script"), good)
			path := put(t, w.path("script"), w.plugins(), "own")
			w.good("plugin", "trust", "own", "--yes")
			w.good("own", "list")
			stop := make(chan struct{})
			var swapping sync.WaitGroup
			swapping.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					text := []string{good, bad}[n%2]
					if way == "in place" {
						_ = os.WriteFile(path, []byte(text), 0o755)
						continue
					}
					_ = os.WriteFile(path+".new", []byte(text), 0o755)
					_ = os.Chmod(path+".new", 0o755)
					_ = os.Rename(path+".new", path)
				}
			})
			ran := 0
			for range 20 {
				if w.run("own", "list").code == 0 {
					ran++
				}
			}
			close(stop)
			swapping.Wait()
			t.Logf("it ran %d times of 20", ran)
			if _, err := os.Stat(evil); err == nil {
				t.Error("what nobody has trusted ran")
			}
		})
	}
}

// Another name of a command is taken as well, even if the user lets the plugin add to the word.
func TestAnAliasIsNoWayRound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plugintest.Hostile(t, w.plugins(), "usurper")
	r := w.run("plugin", "trust", "usurper", "--yes", "--extends", "demo")
	if !strings.Contains(r.stderr, "extends   demo, whose commands come from plugin demo") ||
		!strings.Contains(r.stderr, "also called imgctl demo rows") {
		t.Errorf("consent doesn't say what it extends: exit %d\n%s", r.code, r.stderr)
	}
	w.bad(6, `plugin "usurper" claims "demo rows", which plugin "demo" has`, "usurper")
	if out := w.good("demo", "rows", "1", "-f", "value"); out != "0 name 0\n" {
		t.Errorf("%q", out)
	}
	if out := w.good("demo", "ls", "1", "-f", "value"); out != "0 name 0\n" {
		t.Errorf("%q", out)
	}
}
