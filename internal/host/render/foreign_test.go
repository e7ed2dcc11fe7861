package render

import (
	"os/exec"
	"strings"
	"testing"
	"unicode"
)

// No field makes a variable that means something to a shell, and none of its value is run. The real
// shells say so.
func TestShellVariables(t *testing.T) {
	t.Parallel()
	fields := []Field{{Name: "first", Value: "x"}}
	for _, name := range append(meaningful, "PATH", "2fa", "", "é", "a b", "x;touch canary") {
		fields = append(fields, Field{Name: name, Value: "$(touch canary)`touch canary`\" ' \\ !x\n"})
	}
	fields = append(fields, Field{Name: "last", Value: "y"})
	var script strings.Builder
	if err := showShell(&script, fields, ""); err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"bash", "zsh", "dash"} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("there is no %s here", shell)
			continue
		}
		// The words are read with eval, as users do; and everything still works after it.
		cmd := exec.Command(shell, "-c", `before=$PATH; eval "$1"; [ "$PATH" = "$before" ] && ls -A && printf '%s' "$first$last"`, shell,
			script.String())
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != "xy" {
			t.Errorf("%s: %v, %q of\n%s", shell, err, out, script.String())
		}
	}
	for _, prefix := range []string{"x;touch canary;", "$(x)", "1", "a b", "é"} {
		if err := showShell(&script, fields, prefix); err == nil {
			t.Errorf("the prefix %q is taken", prefix)
		}
	}
}

// Whatever stands in a table, it obeys nobody, loses no letter and keeps its shape.
func FuzzTables(f *testing.F) {
	f.Add("title", "some words and\nlines", "key", 10, false)
	f.Add("\x1b[31m", "compound-words-and-a-very-long-one", "\u202e", 20, true)
	f.Add("日本", strings.Repeat("x-y ", 100), "\xff\x9b", 1, true)
	f.Fuzz(func(t *testing.T, title, cell, key string, width int, alone bool) {
		o := Options{MaxWidth: width % 200}
		var out strings.Builder
		value := map[string]any{key: []any{cell, nil, 1.5}}
		var err error
		if alone {
			err = Show(&out, []Field{{Name: title, Value: cell}, {Name: key, Value: value}}, o)
		} else {
			var l List
			if l, err = NewList(&out, []Column{{Title: title}, {Title: key}}, o); err == nil {
				if err = l.Row([]any{cell, value}); err == nil {
					err = l.Close()
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("%q", out.String())
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(out.String(), "\n"), "\n") {
			if !strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "|") {
				t.Errorf("a line that isn't the table's: %q of\n%s", line, out.String())
			}
		}
		letters := func(s string) string {
			return strings.Map(func(r rune) rune {
				if unicode.IsLetter(r) {
					return r
				}
				return -1
			}, s)
		}
		for _, of := range []int{7, 16} {
			if got := strings.Join(wrapLine(strings.ReplaceAll(cell, "\n", " "), of), ""); letters(got) != letters(cell) {
				t.Errorf("wrapped at %d, %q is %q", of, cell, got)
			}
		}
	})
}
