package host_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

// Consent shows all that is granted, a line each, and no line is the plugin's.
func TestConsentIsNotForged(t *testing.T) {
	t.Parallel()
	w := alone(t)
	file := plugintest.Hostile(t, w.dir, "forger")
	r := w.run("plugin", "install", file)
	sum := sha256Of(t, file)
	if n := len(regexp.MustCompile(`(?m)^ *sha256 `).FindAllString(r.stderr, -1)); r.code == 0 || n != 1 ||
		!strings.Contains(r.stderr, "  sha256    "+sum+"\n") {
		t.Errorf("exit %d, %d checksums:\n%s", r.code, n, r.stderr)
	}
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	for _, line := range lines[:len(lines)-1] {
		if !regexp.MustCompile(`^(Plugin forger|  (version|vendor|file|sha256|clouds|command|         )( .*)?)$`).MatchString(line) {
			t.Errorf("a line that isn't ours: %q", line)
		}
	}
	for _, want := range []string{
		"also called imgctl hostile list", "destroys", "reads standard input", "reads the environment, all variables but OS_*",
		"gets tokens for the clouds that its flags and arguments name",
		"reads the variable GITHUB_TOKEN for --harvest, which isn't shown in help",
		`vendor    "good.example`, ", as it says", "clouds    all",
	} {
		if strings.Count(r.stderr, want) != 1 {
			t.Errorf("not once: %q in\n%s", want, r.stderr)
		}
	}
}

// That what a script imports isn't checked is said before it is trusted.
func TestConsentToAScript(t *testing.T) {
	t.Parallel()
	w := alone(t)
	write(t, w.path("script"), "#!/bin/bash\nexec -a imgctl-own "+claims+"\n")
	r := w.run("plugin", "install", "--yes", put(t, w.path("script"), w.dir, "own"))
	if r.code != 0 || !strings.Contains(r.stderr, "only this file is checked from now on, not its interpreter and not what it imports") {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
}

// Which clouds a plugin may use, and what it may extend, can be chosen, changed one at a time, and
// lifted again.
func TestConsentCanBeChanged(t *testing.T) {
	t.Parallel()
	w := installed(t)
	w.good("plugin", "install", "--yes", put(t, claims, w.dir, "own"))
	for _, c := range []struct {
		args, clouds, extends string
	}{
		{"--cloud a", "[a]", "[]"},
		{"", "[a]", "[]"},
		{"--cloud b,c", "[b c]", "[]"},
		{"--extends own", "[b c]", "[own]"},
		{"", "[b c]", "[own]"},
		{"--no-extends", "[b c]", "[]"},
		{"--all-clouds", "all", "[]"},
		{"", "all", "[]"},
	} {
		w.good(append([]string{"plugin", "trust", "demo", "--yes"}, strings.Fields(c.args)...)...)
		var shown struct{ Clouds, Extends any }
		if err := json.Unmarshal([]byte(w.good("plugin", "show", "demo", "-f", "json")), &shown); err != nil {
			t.Fatal(err)
		}
		for _, part := range []struct {
			is   any
			want string
		}{{shown.Clouds, c.clouds}, {shown.Extends, c.extends}} {
			text, _ := json.Marshal(part.is)
			if got := strings.NewReplacer(`"`, "", ",", " ").Replace(string(text)); got != part.want {
				t.Errorf("%q: %s, want %s", c.args, got, part.want)
			}
		}
	}
	for word, want := range map[string]string{
		"owm": `no other plugin has commands under "owm"; did you mean own?`, "zzz": "imgctl --help lists", "demo": "no other plugin",
	} {
		if r := w.run("plugin", "trust", "demo", "--yes", "--extends", word); r.code != 2 || !strings.Contains(r.stderr, want) {
			t.Errorf("--extends %s: exit %d, want %q\n%s", word, r.code, want, r.stderr)
		}
	}
	r := w.run("plugin", "trust", "demo", "--yes", "--cloud", "nope")
	if r.code != 2 || !strings.Contains(r.stderr, `there is no cloud "nope" in clouds.yaml; choose from a, b, c`) {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	if r := w.run("plugin", "trust", "demo", "--yes", "--cloud", "a", "--all-clouds"); r.code != 2 {
		t.Errorf("both at once: exit %d\n%s", r.code, r.stderr)
	}
}

// A plugin that is rebuilt all the time runs without a new question, in its folder of IMGCTL_PLUGIN_PATH
// alone, until it is trusted without the flag.
func TestConsentToRebuilds(t *testing.T) {
	t.Parallel()
	w := alone(t)
	put(t, packaged(), w.plugins(), "demo")
	build := func(text string) {
		t.Helper()
		path := w.plugins() + "/imgctl-demo"
		program, err := os.ReadFile(path)
		if err == nil {
			err = errors.Join(os.WriteFile(path+".new", append(program, text...), 0o700), os.Rename(path+".new", path))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	state := func() string { return w.good("plugin", "show", "demo", "-f", "value", "-c", "state") }
	r := w.run("plugin", "trust", "demo", "--yes", "--rebuilt")
	if want := "rebuilt   whoever can write to " + w.plugins() + " decides what runs"; r.code != 0 || !strings.Contains(r.stderr, want) {
		t.Errorf("exit %d, want %q in\n%s", r.code, want, r.stderr)
	}
	for n := range 2 {
		build(fmt.Sprint("build ", n))
		if got := state(); got != "ok\n" {
			t.Errorf("after build %d: %s", n, got)
		}
	}
	elsewhere := w.path("elsewhere")
	put(t, w.plugins()+"/imgctl-demo", elsewhere, "demo")
	w.env = append(w.env, "IMGCTL_PLUGIN_PATH="+elsewhere)
	if got := state(); !strings.Contains(got, "is not the file that was trusted") {
		t.Errorf("in another folder: %s", got)
	}
	w.env = append(w.env, "IMGCTL_PLUGIN_PATH="+w.plugins())
	w.good("plugin", "trust", "demo", "--yes")
	build("another")
	if got := state(); !strings.Contains(got, "is not the file that was trusted") {
		t.Errorf("trusted without the flag: %s", got)
	}
	w.env = append(w.env, "IMGCTL_PLUGIN_PATH=")
	w.good("plugin", "install", "--yes", packaged())
	w.bad(2, "isn't in a folder of $IMGCTL_PLUGIN_PATH", "plugin", "trust", "demo", "--yes", "--rebuilt")
}
