package render

import (
	"strings"
	"unicode"

	pretty "github.com/jedib0t/go-pretty/v6/text"
)

// wrap breaks each line of s at width columns as Python's textwrap does: between words and after
// the hyphens of compound words, inside a word only when it is longer than a line, and then
// after its last hyphen that fits.
func wrap(s string, width int) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, wrapLine(line, width)...)
	}
	return strings.Join(out, "\n")
}

func wrapLine(line string, width int) []string {
	if columns(line) <= width {
		return []string{line}
	}
	var lines []string
	var current string
	for rest := chunks(line); len(rest) > 0; {
		chunk := rest[0]
		if current == "" && strings.TrimSpace(chunk) == "" {
			rest = rest[1:] // no line begins with the space that it was broken at
			continue
		}
		left := width - columns(current)
		if columns(chunk) <= left {
			current += chunk
			rest = rest[1:]
			continue
		}
		if columns(chunk) > width && left > 0 {
			head := breakWord(chunk, left)
			current += head
			rest[0] = chunk[len(head):]
		}
		lines = append(lines, strings.TrimRight(current, " "))
		current = ""
	}
	if current = strings.TrimRight(current, " "); current != "" {
		lines = append(lines, current)
	}
	return lines
}

// breakWord is the part of a word that goes on this line.
func breakWord(word string, room int) string {
	var head []rune
	for _, r := range word {
		if len(head) > 0 && columns(string(head)+string(r)) > room {
			break
		}
		head = append(head, r)
	}
	if i := strings.LastIndexByte(string(head), '-'); i > 0 && strings.Trim(string(head[:i]), "-") != "" {
		return string(head)[:i+1]
	}
	return string(head)
}

// chunks are words, the spaces between them, and the parts of compound words.
func chunks(line string) []string {
	runes := []rune(line)
	var out []string
	start := 0
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || unicode.IsSpace(runes[i]) != unicode.IsSpace(runes[i-1]) || compound(runes, i) {
			out = append(out, string(runes[start:i]))
			start = i
		}
	}
	return out
}

// compound reports whether a hyphen between two letters and two letters ends before i.
func compound(r []rune, i int) bool {
	return i >= 3 && i+1 < len(r) && r[i-1] == '-' &&
		unicode.IsLetter(r[i-2]) && unicode.IsLetter(r[i-3]) && unicode.IsLetter(r[i]) && unicode.IsLetter(r[i+1])
}

// columns is how many columns of the terminal s takes.
func columns(s string) int { return pretty.StringWidthWithoutEscSequences(s) }
