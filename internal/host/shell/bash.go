package shell

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// quote is the kind of quotation marks that are open somewhere in a line.
type quote byte

const (
	none   quote = 0
	single quote = '\''
	double quote = '"'
)

// Words are the words of a line for bash, without their quoting, up to the cursor at its end: the
// last one, "" after a space, is being typed. Nothing is expanded. raw is the last one as typed.
func Words(line string) (words []string, raw string) {
	start := 0
	var word strings.Builder
	begun := false
	scan(line, func(i int, text string, q quote) {
		if q == none && strings.Trim(text, " \t\n") == "" { // no other space ends a word in bash
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun, start = false, i+len(text)
			return
		}
		begun = true
		word.WriteString(text)
	})
	return append(words, word.String()), line[start:]
}

// unquote is a text without its quoting, and which quotation marks are open at its end.
func unquote(text string) (string, quote) {
	var b strings.Builder
	open := scan(text, func(_ int, text string, _ quote) { b.WriteString(text) })
	return b.String(), open
}

// special are the characters that a backslash quotes between double quotation marks.
const special = "\"\\$`\n"

// scan gives each character of a line without its quoting: where it begins, the character, and the
// quotation marks around it; a backslash counts as such. Empty quotation marks give "".
func scan(line string, each func(i int, text string, q quote)) (open quote) {
	for i := 0; i < len(line); {
		_, size := utf8.DecodeRuneInString(line[i:])
		c := line[i]
		switch {
		case open == none && (c == '\'' || c == '"'):
			open = quote(c)
			each(i, "", open)
		case open != none && quote(c) == open:
			open = none
		case c == '\\' && open != single && i+1 < len(line):
			_, next := utf8.DecodeRuneInString(line[i+1:])
			escaped := line[i+1 : i+1+next]
			if open == double && !strings.Contains(special, escaped) {
				escaped = `\` + escaped
			}
			each(i, escaped, single)
			size = 1 + next
		case c == '\\' && open != single: // at the end of the line
		default:
			each(i, line[i:i+size], open)
		}
		i += size
	}
	return open
}

// quoted is a text for a place where these quotation marks are open.
func quoted(text string, open quote) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case open == single && r == '\'':
			b.WriteString(`'\''`)
			continue
		case open == double && strings.ContainsRune("\"\\$`", r),
			open == none && r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_./:@%+,=-", r):
			b.WriteByte('\\')
		case open == double && r == '!': // which expands inside of them, and no backslash helps
			b.WriteString(`"'!'"`)
			continue
		}
		b.WriteRune(r)
	}
	if open != none && strings.HasSuffix(b.String(), string(open)) {
		b.WriteByte(byte(open)) // readline closes the marks, but not behind the same mark
	}
	return b.String()
}

// listing are the values of COMP_TYPE for which a list is shown and nothing inserted but what all of
// it has in common.
var listing = []string{"9", "33", "63", "64"}

// Bash is the answer as the script for bash reads it. raw is the last word as typed, replaced the end
// of it that a suggestion takes the place of: bash ends words at colons and equals signs, too.
func (a Answer) Bash(raw, replaced, compType string) string {
	var b strings.Builder
	if a.Directive&cobra.ShellCompDirectiveError != 0 {
		return ""
	}
	values := a.values(raw, replaced)
	switch {
	case a.Directive&cobra.ShellCompDirectiveFilterDirs != 0:
		b.WriteString(":folders\n")
	case len(values) == 0 && a.Directive&cobra.ShellCompDirectiveNoFileComp == 0:
		b.WriteString(":files\n")
	}
	if a.Directive&cobra.ShellCompDirectiveNoSpace != 0 {
		b.WriteString(":nospace\n")
	}
	width := 0
	for _, v := range values {
		width = max(width, len(v.Value))
	}
	for _, v := range values {
		line := v.Value
		if v.Help != "" && len(values) > 1 && slices.Contains(listing, compType) {
			line += strings.Repeat(" ", width-len(line)) + "  (" + v.Help + ")"
		}
		b.WriteString("=" + line + "\n")
	}
	return b.String()
}

// values are the suggestions as they are inserted.
func (a Answer) values(raw, replaced string) []Suggestion {
	head, ok := strings.CutSuffix(raw, replaced)
	if !ok {
		return nil // bash and we don't agree where the word begins
	}
	before, open := unquote(head)
	if strings.HasPrefix(before, "-") {
		_, before, _ = strings.Cut(before, "=") // cobra suggests the value alone
	}
	var values []Suggestion
	seen := map[string]bool{}
	for _, s := range a.Suggestions {
		if rest, ok := strings.CutPrefix(s.Value, before); ok && !seen[rest] {
			seen[rest] = true
			values = append(values, Suggestion{quoted(rest, open), s.Help})
		}
	}
	return values
}
