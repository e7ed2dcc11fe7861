package host_test

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/test/program"
)

// enticing are names of images that a shell would act on, if it were to read them.
var enticing = []string{
	"web(touch canary)", "$(touch canary)", "`touch canary`", "web; touch canary", "a b", "web'touch canary'", `web"$(touch canary)"`, "~",
	"~root",
	"=ls", "*", "?", "[a]", "{a,b}", "a|touch canary", "a&touch canary", "a>canary", "<canary", "!!", "!touch", "#x", `back\slash`,
	`\$(touch canary)`, "$HOME",
	"name:tag", "a:$(touch canary)", "key=$(touch canary)", "é 世界", "%s%n", "^a^b", "(touch canary)", "$'\\x41'", "a\u00a0b", "x:y z=w",
	"'", `"`, `'"`, "$",
	"web$(touch${IFS}canary)", "--", "-y", "--yes", "=(touch canary)", "<(touch canary)", "${(e)x}", "(e:touch canary:)", "(touch canary",
	"%1", "web\u202e", "a\x1bb",
}

// typed reports whether a name is suggested at all: not if it would be taken for a flag, or can't be
// shown as it is.
func typed(name string) bool {
	return name != "" && !strings.HasPrefix(name, "-") && name == printable.Line(name)
}

// interactive is a shell on a terminal, with imgctl's completion.
type interactive struct {
	t    testing.TB
	name string
	dir  string // where it is, empty but for what it was made to do
	said string // the file with the words of the last line
	tty  *os.File
}

var starts = map[string][]string{
	"bash": {"--norc", "--noprofile", "-i"},
	"zsh":  {"-f", "-i"},
	"fish": {"--no-config", "-i"},
}

var sourcing = map[string]string{
	"bash": "set +H; source %; bind 'set enable-bracketed-paste off'; bind 'set completion-query-items 0'; PS1='$ '",
	"zsh":  "autoload -Uz compinit; compinit -u -D; source %; bindkey -e; PS1='$ '; unsetopt promptsp; unset zle_bracketed_paste",
	"fish": "source %; function fish_prompt; echo '$ '; end; set -g fish_autosuggestion_enabled 0",
}

// shellWorld is a user who has imgctl on $PATH, and the plugin lure.
func shellWorld(t testing.TB) (dir string, env []string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "is") //nolint:usetesting // a test's own folder has too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"bin", "run", "here"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(tree, "bin/imgctl"), filepath.Join(dir, "bin/imgctl")); err != nil {
		t.Fatal(err)
	}
	said := filepath.Join(dir, "said")
	script := "#!/bin/sh\nfor a; do printf '%s\\0' \"$a\"; done >" + said + ".new\nmv " + said + ".new " + said + "\n"
	program.Write(t, filepath.Join(dir, "bin/say"), script)
	env = []string{
		"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TERM=xterm",
		"XDG_RUNTIME_DIR=" + filepath.Join(dir, "run"),
	}
	install := exec.Command(filepath.Join(dir, "bin/imgctl"), "plugin", "install", "--yes", plugintest.Hostile(t, dir, "lure"))
	install.Env = env
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir, env
}

func startShell(t testing.TB, name, dir string, env []string) *interactive {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("there is no %s here", name)
	}
	script := filepath.Join(dir, "script."+name)
	write := exec.Command(filepath.Join(dir, "bin/imgctl"), "completion", name)
	write.Env = env
	text, err := write.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &interactive{t: t, name: name, dir: filepath.Join(dir, "here-"+name), said: filepath.Join(dir, "said")}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, starts[name]...)
	cmd.Env, cmd.Dir = env, s.dir
	if s.tty, err = pty.StartWithSize(cmd, &pty.Winsize{Cols: 1000, Rows: 50}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.tty.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	go func() { // what it draws is of no interest
		buf := make([]byte, 1<<16)
		for {
			if _, err := s.tty.Read(buf); err != nil {
				return
			}
		}
	}()
	s.line(strings.ReplaceAll(sourcing[name], "%", script) + "; say ready\r")
	return s
}

// line types keys that end in a call of say, and gives what that was called with.
func (s *interactive) line(keys string) []string {
	s.t.Helper()
	_ = os.Remove(s.said)
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(s.said); err == nil {
			return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s: %q says nothing", s.name, keys)
		}
	}
}

// complete presses Tab twice behind the plugin's command for the name, typed so far in part, and gives
// the words of the line.
func (s *interactive) complete(name, part string) []string {
	s.t.Helper()
	words := s.line("imgctl hostile lure " + hex.EncodeToString([]byte(name)) + " " + part + "\t\t\x01say \r")
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		s.t.Fatalf("%s ran what an image is called, %q: %v, %v", s.name, name, left, err)
	}
	return words
}

func (s *interactive) check(name string) {
	s.t.Helper()
	want := []string{"imgctl", "hostile", "lure", hex.EncodeToString([]byte(name))}
	if typed(name) && !(s.name == "fish" && strings.HasPrefix(name, "~")) { // which fish would expand
		want = append(want, name)
	}
	if got := s.complete(name, ""); !slices.Equal(got, want) {
		s.t.Errorf("%s: %q gives %q, want %q", s.name, name, got, want)
	}
}

// Names that strangers chose are inserted as what they are, and nothing in them runs: not when they
// are suggested, not at the next Tab, and not with Enter.
func TestNamesAreCompletedAsTheyAre(t *testing.T) {
	t.Parallel()
	for shell := range starts {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			dir, env := shellWorld(t)
			s := startShell(t, shell, dir, env)
			for _, name := range enticing {
				s.check(name)
			}
			for typed, name := range map[string]string{
				"'we": "web $(touch canary) 'x'", `"we`: "web $(touch canary) \"x\" `y` !z",
				"we": "web x", `a\` + " ": "a b;touch canary",
			} {
				got := s.complete(name, typed)
				if got[len(got)-1] != name {
					t.Errorf("%s: %s completes to %q, want %q", shell, typed, got[4:], name)
				}
			}
		})
	}
}

// What the user has typed but not entered doesn't run either.
func TestALineIsNotEvaluated(t *testing.T) {
	t.Parallel()
	for shell := range starts {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			dir, env := shellWorld(t)
			s := startShell(t, shell, dir, env)
			for _, line := range []string{"$(touch canary) ", "'$(touch canary)' ", "--os-cloud=$(touch canary)", "`touch canary` "} {
				if shell == "fish" && strings.Contains(line, "`") || shell == "zsh" && !strings.HasSuffix(line, " ") {
					continue // no quotation marks there; and what zsh's Tab itself expands
				}
				// Ctrl-U takes the line away again: only Tab could run it.
				s.line("imgctl hostile lure " + line + "\t\t\x15say done\r")
				if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
					t.Errorf("%s ran what was typed: %s", shell, line)
					_ = os.Remove(filepath.Join(s.dir, "canary"))
				}
			}
		})
	}
}

// FuzzNamesInShells completes names in the real shells.
func FuzzNamesInShells(f *testing.F) {
	for _, name := range enticing {
		f.Add(name)
	}
	dir, env := shellWorld(f)
	var shells []*interactive
	for name := range starts {
		if _, err := exec.LookPath(name); err == nil {
			shells = append(shells, startShell(f, name, dir, env))
		}
	}
	if len(shells) == 0 {
		f.Skip("there is none of the shells here")
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 200 {
			t.Skip("longer than what the terminal takes in one line")
		}
		for _, s := range shells {
			s.t = t
			s.check(name)
		}
	})
}
