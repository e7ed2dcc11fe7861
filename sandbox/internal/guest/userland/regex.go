//go:build linux

package userland

import (
	"fmt"
	"regexp"
	"strings"
)

// compile makes a POSIX regular expression, basic or extended, one of Go's that prefers, as POSIX says,
// the leftmost match and of those the longest.
func compile(expr string, extended, fold bool) (*regexp.Regexp, error) {
	flags := "(?s"
	if fold {
		flags += "i"
	}
	re, err := regexp.Compile(flags + ")" + translate(expr, extended))
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression '%s': %w", expr, err)
	}
	re.Longest()
	return re, nil
}

func translate(expr string, extended bool) string {
	var b strings.Builder
	for i := 0; i < len(expr); i++ {
		c := expr[i]
		switch {
		case c == '[':
			end := bracketEnd(expr, i)
			b.WriteString(bracket(expr[i:end]))
			i = end - 1
		case c == '\\' && i+1 < len(expr):
			i++
			b.WriteString(escaped(expr[i], extended))
		case extended:
			b.WriteByte(c)
		case strings.IndexByte("(){}+?|", c) >= 0:
			b.WriteString(`\` + string(c))
		case c == '*' && (i == 0 || i == 1 && expr[0] == '^' || i > 1 && expr[i-2:i] == `\(`):
			b.WriteString(`\*`)
		case c == '^' && i > 0 && !strings.HasSuffix(expr[:i], `\(`) && !strings.HasSuffix(expr[:i], `\|`):
			b.WriteString(`\^`)
		case c == '$' && i < len(expr)-1 && !strings.HasPrefix(expr[i+1:], `\)`) && !strings.HasPrefix(expr[i+1:], `\|`):
			b.WriteString(`\$`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escaped is what a backslash and c mean.
func escaped(c byte, extended bool) string {
	switch c {
	case '<', '>', 'b':
		return `\b`
	case 'w', 'W', 's', 'S', 'B', 'n', 't':
		return `\` + string(c)
	case '(', ')', '{', '}', '+', '?', '|':
		if !extended {
			return string(c)
		}
	}
	return regexp.QuoteMeta(string(c))
}

// bracketEnd is the index behind a bracket expression that starts at i.
func bracketEnd(expr string, i int) int {
	j := i + 1
	if j < len(expr) && expr[j] == '^' {
		j++
	}
	if j < len(expr) && expr[j] == ']' {
		j++
	}
	for ; j < len(expr); j++ {
		if strings.HasPrefix(expr[j:], "[:") {
			if k := strings.Index(expr[j:], ":]"); k > 0 {
				j += k + 1
				continue
			}
		}
		if expr[j] == ']' {
			return j + 1
		}
	}
	return len(expr)
}

// bracket escapes what only Go gives a meaning inside brackets.
func bracket(s string) string {
	if len(s) < 3 {
		return regexp.QuoteMeta(s)
	}
	body := s[1 : len(s)-1]
	var b strings.Builder
	b.WriteByte('[')
	if strings.HasPrefix(body, "^") {
		b.WriteByte('^')
		body = body[1:]
	}
	for i := 0; i < len(body); i++ {
		if strings.HasPrefix(body[i:], "[:") {
			if k := strings.Index(body[i:], ":]"); k > 0 {
				b.WriteString(body[i : i+k+2])
				i += k + 1
				continue
			}
		}
		if strings.IndexByte(`[]\^&~`, body[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(body[i])
	}
	b.WriteByte(']')
	return b.String()
}
