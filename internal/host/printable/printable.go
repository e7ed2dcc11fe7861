// Package printable makes untrusted text safe to display: it can't move the cursor, change colours, or
// hide or reorder the text around it.
package printable

import (
	"strings"
	"unicode"
)

// Text keeps line ends and neutralises every other control or invisible character. It also replaces what isn't
// UTF-8: a lone byte 0x9b starts an escape sequence.
func Text(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t', r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp), invisible(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// invisible reports whether the character takes no room and joins nothing, so that two texts which
// differ look alike. The joiners of emoji and of Arabic and Indic scripts stay.
func invisible(r rune) bool {
	switch r {
	case '\u00ad', '\u180e', '\u200b', '\u2060', '\u2061', '\u2062', '\u2063', '\u2064', '\ufeff':
		return true
	}
	return r >= 0xe0000 && r <= 0xe0fff // tags
}

// Line is Text on one line.
func Line(s string) string { return strings.ReplaceAll(Text(s), "\n", " ") }

// Quoted is Line in quotation marks, cut to so many characters, so that it can't pass for the text around it.
func Quoted(s string, most int) string {
	r := []rune(strings.ReplaceAll(Line(s), `"`, `'`))
	if len(r) > most {
		r = append(r[:most], '…')
	}
	return `"` + string(r) + `"`
}
