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
	var current strings.Builder
	used := 0
	for _, chunk := range chunks(line) {
		size, blank := columns(chunk), strings.TrimSpace(chunk) == ""
		for chunk != "" {
			if current.Len() == 0 && blank {
				break // no line begins with the space that it was broken at
			}
			if size <= width-used {
				current.WriteString(chunk)
				used += size
				break
			}
			if size > width && used < width {
				head := breakWord(chunk, width-used)
				current.WriteString(head)
				chunk, size = chunk[len(head):], size-columns(head)
			}
			lines = append(lines, strings.TrimRight(current.String(), " "))
			current.Reset()
			used = 0
		}
	}
	if rest := strings.TrimRight(current.String(), " "); rest != "" {
		lines = append(lines, rest)
	}
	return lines
}

// breakWord is the part of a word that goes on this line.
func breakWord(word string, room int) string {
	head, used := word, 0
	for i, r := range word {
		size := pretty.RuneWidth(r)
		if i > 0 && used+size > room {
			head = word[:i]
			break
		}
		used += size
	}
	if i := strings.LastIndexByte(head, '-'); i > 0 && strings.Trim(head[:i], "-") != "" {
		return head[:i+1]
	}
	return head
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
