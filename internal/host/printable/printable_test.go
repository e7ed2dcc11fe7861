package printable

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain é 世界\nnext": "plain é 世界\nnext",
		"a\tb\r\nc\rd":     "a b\nc d",
		"\x1b[2Jx":         "�[2Jx",
		"\x9b31mx":         "�31mx", // the one-byte form, which isn't UTF-8
		"\u009b31mx":       "�31mx", // the same in UTF-8
		"a\u202eb":         "a�b",
		"we\u200bb":        "we�b",
		"a\u2028b":         "a�b",
		"x\U000e0041":      "x�",
		"👩\u200d🚀":         "👩\u200d🚀",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Quoted("a\"\nsha256 b", 8); got != `"a' sha25…"` {
		t.Errorf("%s", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b]0;title\x07")
	f.Add("a\x9bb\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("%q: %q", s, got)
		}
		if Text(got) != got {
			t.Errorf("%q: twice it is %q", s, Text(got))
		}
		if q := Quoted(s, 20); strings.ContainsAny(q[1:len(q)-1], "\"\n") {
			t.Errorf("%q: %s", s, q)
		}
	})
}
