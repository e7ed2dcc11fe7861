package shell

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line  string
		words []string
		raw   string
	}{
		{"imgctl ", []string{"imgctl", ""}, ""},
		{`imgctl "a b" c\ d 'e'f`, []string{"imgctl", "a b", "c d", "ef"}, "'e'f"},
		{`x "$(touch y)" '\'`, []string{"x", "$(touch y)", `\`}, `'\'`},
		{`x "a\"b\c" "`, []string{"x", `a"b\c`, ""}, `"`},
		{`x '' `, []string{"x", "", ""}, ""},
		{`x a\`, []string{"x", "a"}, `a\`},
	} {
		words, raw := Words(c.line)
		if !slices.Equal(words, c.words) || raw != c.raw {
			t.Errorf("%s: %q and %q", c.line, words, raw)
		}
	}
}

func TestBash(t *testing.T) {
	t.Parallel()
	answer := Parse("beta\tof x\nbeta-2\tof x\n:4\n")
	for _, c := range []struct{ name, raw, replaced, compType, want string }{
		{"all", "", "", "9", "=beta    (of x)\n=beta-2  (of x)\n"},
		{"in a menu", "", "", "37", "=beta\n=beta-2\n"},
		{"one", "beta-", "beta-", "9", "=beta-2\n"},
		{"the value of a flag", "--from=b", "b", "9", "=beta    (of x)\n=beta-2  (of x)\n"},
		{"another word than bash's", "b", "x", "9", ""},
	} {
		a := answer
		if c.name == "one" {
			a = Parse("beta-2\tof x\n:4\n")
		}
		if got := a.Bash(c.raw, c.replaced, c.compType); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for output, want := range map[string]string{":0\n": ":files\n", ":16\n": ":folders\n", ":1\n": "", "a\n:6\n": ":nospace\n=a\n"} {
		if got := Parse(output).Bash("", "", "9"); got != want {
			t.Errorf("%q: %q, want %q", output, got, want)
		}
	}
}

// Whatever is suggested, and in whichever quotation marks, the shell reads it as what it is.
func FuzzQuoting(f *testing.F) {
	for _, text := range []string{"web(touch X)", "$(touch X)", `a"b'c`, "~", `\`, "!x", "é 世", "\u00a0"} {
		f.Add(text)
	}
	sh, err := exec.LookPath("bash")
	if err != nil {
		f.Skip("there is no bash here")
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || text != printable.Line(text) {
			t.Skip("the host suggests no such text")
		}
		for _, head := range []string{"", "'", `"`} {
			value := Parse(text+"\n:4\n").values(head, "")
			if len(value) != 1 {
				continue // a help, or another line
			}
			word := head + value[0].Value
			if head != "" && !strings.HasSuffix(word, head) || head == word {
				word += head // as readline does
			}
			out, err := exec.Command(sh, "--norc", "-c", "printf %s "+word).Output()
			if err != nil || string(out) != text {
				t.Errorf("%s is %q, %v; want %q", word, out, err, text)
			}
			if words, _ := Words("x " + word); len(words) != 2 || words[1] != text {
				t.Errorf("%s is %q to imgctl; want %q", word, words, text)
			}
		}
	})
}
