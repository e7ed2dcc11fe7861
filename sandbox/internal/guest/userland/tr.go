//go:build linux

package userland

import (
	"bufio"
	"slices"
	"strings"
	"unicode"
)

func init() { register(map[string]Command{"tr": tr}) }

func tr(p *Proc) int {
	f, args, ok := p.options("+dscC", "delete=d", "squeeze-repeats=s", "complement=c")
	if !ok || len(args) == 0 {
		return p.usage("[-cds] SET1 [SET2]")
	}
	from := characters(args[0])
	var to []rune
	if len(args) > 1 {
		to = characters(args[1])
	}
	complement := f.has('c') || f.has('C')
	out := bufio.NewWriter(p.Out)
	defer out.Flush()
	r := bufio.NewReader(p.In)
	last := rune(-1)
	for {
		c, _, err := r.ReadRune()
		if err != nil {
			return 0
		}
		i := slices.Index(from, c)
		hit := i >= 0 != complement
		squeezed := from
		switch {
		case hit && f.has('d'):
			continue
		case hit && len(to) > 0 && complement:
			c = to[len(to)-1]
		case hit && len(to) > 0:
			c = to[min(i, len(to)-1)]
		}
		if len(to) > 0 {
			squeezed = to
		}
		if f.has('s') && c == last && (slices.Contains(squeezed, c) || complement && len(to) == 0 && hit) {
			continue
		}
		last = c
		if _, err := out.WriteRune(c); err != nil {
			return p.Fail(err)
		}
	}
}

var classes = map[string]func(rune) bool{
	"alpha": unicode.IsLetter, "digit": unicode.IsDigit, "upper": unicode.IsUpper, "lower": unicode.IsLower, "space": unicode.IsSpace,
	"punct": unicode.IsPunct,
	"alnum": func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) },
	"blank": func(c rune) bool { return c == ' ' || c == '\t' },
	"cntrl": unicode.IsControl, "print": unicode.IsPrint,
	"xdigit": func(c rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF", c) },
}

// characters expands a set of tr: ranges, escapes, classes.
func characters(s string) []rune {
	var out []rune
	r := []rune(s)
	for i := 0; i < len(r); i++ {
		if strings.HasPrefix(string(r[i:]), "[:") {
			if name, _, ok := strings.Cut(string(r[i+2:]), ":]"); ok && classes[name] != nil {
				for c := range rune(128) {
					if classes[name](c) {
						out = append(out, c)
					}
				}
				i += len([]rune(name)) + 3
				continue
			}
		}
		c := r[i]
		if c == '\\' && i+1 < len(r) {
			i++
			switch r[i] {
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			case 'r':
				c = '\r'
			case '0', '1', '2', '3', '4', '5', '6', '7':
				n := 0
				j := i
				for ; j < len(r) && j < i+3 && r[j] >= '0' && r[j] <= '7'; j++ {
					n = n*8 + int(r[j]-'0')
				}
				i, c = j-1, rune(n)
			default:
				c = r[i]
			}
		}
		if i+2 < len(r) && r[i+1] == '-' {
			for ; c <= r[i+2]; c++ {
				out = append(out, c)
			}
			i += 2
			continue
		}
		out = append(out, c)
	}
	return out
}
