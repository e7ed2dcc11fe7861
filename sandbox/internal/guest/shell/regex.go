//go:build linux

package shell

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// compile makes a POSIX regular expression, basic or extended, one of Go's.
func compile(expr string, extended, fold bool) (*regexp.Regexp, error) {
	flags := "(?s"
	if fold {
		flags += "i"
	}
	re, err := regexp.Compile(flags + ")" + translate(expr, extended))
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression '%s': %w", expr, err)
	}
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

func grep(p *proc) int {
	f, args, ok := p.options("EFGPivnclLqshHorRwxae:f:m:A:B:C:I", "extended-regexp=E", "fixed-strings=F", "perl-regexp=P", "ignore-case=i", "invert-match=v", "line-number=n",
		"count=c", "files-with-matches=l", "files-without-match=L", "quiet=q", "silent=q", "no-messages=s", "no-filename=h", "with-filename=H", "only-matching=o",
		"recursive=r", "word-regexp=w", "line-regexp=x", "regexp=e", "max-count=m", "text=a", "color=s")
	if !ok {
		return 2
	}
	patterns := f['e']
	if f.has('f') {
		lines, status := p.readLines([]string{f.value('f', "")})
		if status != 0 {
			return 2
		}
		patterns = append(patterns, lines...)
	} else if len(patterns) == 0 {
		if len(args) == 0 {
			return p.usage("[OPTION]... PATTERN [FILE]...")
		}
		patterns, args = strings.Split(args[0], "\n"), args[1:]
	}
	g := &grepper{p: p, f: f, limit: number(f.value('m', "-1"))}
	if err := g.compile(patterns); err != nil {
		p.fail(err)
		return 2
	}
	return g.run(args)
}

type grepper struct {
	p       *proc
	f       flags
	re      *regexp.Regexp
	limit   int
	named   bool
	matched bool
}

func (g *grepper) compile(patterns []string) error {
	for i, s := range patterns {
		switch {
		case g.f.has('F') || g.p.name == "fgrep":
			s = regexp.QuoteMeta(s)
		case g.f.has('P'):
		default:
			s = translate(s, g.f.has('E') || g.p.name == "egrep")
		}
		if g.f.has('w') {
			s = `\b(?:` + s + `)\b`
		}
		if g.f.has('x') {
			s = `^(?:` + s + `)$`
		}
		patterns[i] = "(?:" + s + ")"
	}
	all := strings.Join(patterns, "|")
	if g.f.has('i') {
		all = "(?i)" + all
	}
	re, err := regexp.Compile(all)
	g.re = re
	return err
}

func (g *grepper) run(names []string) int {
	if g.f.has('r') || g.f.has('R') {
		if len(names) == 0 {
			names = []string{"."}
		}
		names = g.below(names)
		g.named = !g.f.has('h')
		if len(names) == 0 {
			return 1
		}
	} else {
		g.named = (len(names) > 1 || g.f.has('H')) && !g.f.has('h')
	}
	quiet := *g.p
	if g.f.has('s') {
		quiet.err = io.Discard
	}
	status := quiet.inputs(names, g.search)
	switch {
	case g.matched && (status == 0 || g.f.has('q')):
		return 0
	case status != 0:
		return 2
	}
	return 1
}

func (g *grepper) below(names []string) []string {
	var out []string
	for _, name := range names {
		_ = filepath.WalkDir(g.p.path(name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				rel, _ := filepath.Rel(g.p.path(name), path)
				out = append(out, filepath.Join(name, rel))
			}
			return nil
		})
	}
	return out
}

func (g *grepper) search(name string, r io.Reader) error {
	count, line := 0, 0
	context := max(number(g.f.value('A', "0")), number(g.f.value('C', "0")))
	after := 0
	prefix := func(sep string) string {
		s := ""
		if g.named {
			s += name + sep
		}
		if g.f.has('n') {
			s += fmt.Sprintf("%d%s", line, sep)
		}
		return s
	}
	err := eachLine(r, func(s string) error {
		line++
		s = strings.TrimSuffix(s, "\n")
		if g.re.MatchString(s) == g.f.has('v') {
			if after > 0 {
				after--
				fmt.Fprintln(g.p.out, prefix("-")+s)
			}
			return nil
		}
		count++
		after = context
		switch {
		case g.f.has('q') || g.f.has('l') || g.f.has('L'):
			return errEnough
		case g.f.has('c'):
		case g.f.has('o'):
			for _, m := range g.re.FindAllString(s, -1) {
				fmt.Fprintln(g.p.out, prefix(":")+m)
			}
		default:
			if _, err := fmt.Fprintln(g.p.out, prefix(":")+s); err != nil {
				return err
			}
		}
		if count == g.limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	found := count > 0
	switch {
	case g.f.has('c'):
		if g.named {
			fmt.Fprint(g.p.out, name+":")
		}
		fmt.Fprintln(g.p.out, count)
	case g.f.has('l') && found, g.f.has('L') && !found:
		fmt.Fprintln(g.p.out, name)
	}
	if g.f.has('L') {
		found = !found
	}
	g.matched = g.matched || found
	return err
}
