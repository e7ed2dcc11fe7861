package host_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
)

// ours are the escape sequences that imgctl itself writes to a terminal: styles, and those that take
// progress away.
var ours = regexp.MustCompile(`\x1b\[(?:0|1|31|33|90)m|\x1b\[\d+A|\x1b\[J`)

// obeyed is what a terminal would obey or can't show, in text of a plugin's.
func obeyed(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r\x1b[J", "\x1b[J").Replace(text)
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control)) {
			return r
		}
		return -1
	}, ours.ReplaceAllString(text, ""))
}

// Nothing that a plugin says moves the cursor or changes colours, wherever it says it.
func TestPluginsHaveNoPowerOverTheTerminal(t *testing.T) {
	t.Parallel()
	w := alone(t)
	file := plugintest.Hostile(t, w.dir, "painter")
	for _, args := range [][]string{
		{"plugin", "install", "--yes", file},
		{"--help"},
		{"hostile", "--help"},
		{"hostile", "painter", "--help"},
		{"plugin", "list"},
		{"plugin", "show", "painter"},
		{"plugin", "list", "-f", "value"},
		{"plugin", "list", "-f", "csv"},
		{"plugin", "show", "painter", "-f", "yaml"},
		{"plugin", "show", "painter", "-f", "shell"},
		{"hostile", "painter", "--pick", "z"},
		{"__complete", "hostile", "painter", ""},
		{"hostile", "painter", "-c", "nope"},
	} {
		tm := w.terminal(args...)
		_ = tm.cmd.Wait()
		<-tm.done
		if bad := obeyed(tm.screen()); bad != "" || tm.screen() == "" {
			t.Errorf("%s: %q in\n%q", args, bad, tm.screen())
		}
	}
}

// A plugin's text is on one line in help, so that it can't pass for another command.
func TestHelpIsNotForged(t *testing.T) {
	t.Parallel()
	w := alone(t)
	w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.dir, "forger"))
	for _, line := range []string{"--help", "hostile --help", "hostile forger --help", "plugin list", "plugin show forger"} {
		out := w.good(strings.Fields(line)...)
		if regexp.MustCompile(`(?m)^ *(sha256 +0|Trust)`).MatchString(out) {
			t.Errorf("imgctl %s:\n%s", line, out)
		}
	}
}

func TestAPluginsMessagesHaveNoPowerOverTheTerminal(t *testing.T) {
	t.Parallel()
	w := alone(t)
	w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.dir, "painter"))
	for _, format := range []string{"table", "json", "yaml", "csv", "value"} {
		tm := w.terminal("hostile", "painter", "-vv", "--old", "-f", format)
		tm.expect("Number or name")
		tm.send("1\r")
		_ = tm.cmd.Wait()
		<-tm.done
		screen := tm.screen()
		if bad := obeyed(screen); bad != "" || !utf8.ValidString(screen) {
			t.Errorf("%s: %q in\n%q", format, bad, screen)
		}
		for _, want := range []string{"deprecated", "text", "log", "label", "question", "choice", "row", "problem", "hint", "subject"} {
			if !strings.Contains(screen, want) {
				t.Errorf("%s: no %q in\n%q", format, want, screen)
			}
		}
	}
}

// A log that a command of our own shows comes from programs that nobody vouches for; in a pipe, it is as it is.
func TestALogHasNoPowerOverTheTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tm := w.terminal("demo", "log")
	_ = tm.cmd.Wait()
	<-tm.done
	screen := tm.screen()
	if bad := obeyed(screen); bad != "" || !strings.Contains(screen, "after") || !strings.Contains(screen, "hidden") {
		t.Errorf("%q in\n%q", bad, screen)
	}
	if r := w.run("demo", "log"); r.stdout != "before\n\x1b[2J\x1b]0;title\aafter\n" {
		t.Errorf("%q", r.stdout)
	}
}

// A table in a pipe is for people as well: a pager or a log of CI shows it.
func TestTablesInAPipe(t *testing.T) {
	t.Parallel()
	w := alone(t)
	w.good("plugin", "install", "--yes", plugintest.Hostile(t, w.dir, "painter"))
	for _, args := range [][]string{{"hostile", "painter"}, {"hostile", "painter", "--help"}, {"--help"}, {"plugin", "list"}} {
		r := w.run(args...)
		if bad := obeyed(r.stdout + r.stderr); bad != "" {
			t.Errorf("%s: %q in\n%q", args, bad, r.stdout+r.stderr)
		}
	}
}
