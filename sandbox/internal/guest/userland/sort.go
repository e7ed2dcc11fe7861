//go:build linux

package userland

import (
	"cmp"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

func init() { register(map[string]Command{"sort": sortLines}) }

func sortLines(p *Proc) int {
	f, names, ok := p.options("nrufbghVcsik:t:o:", "numeric-sort=n", "reverse=r", "unique=u", "ignore-case=f", "key=k", "field-separator=t",
		"output=o", "version-sort=V", "stable=s")
	if !ok {
		return 2
	}
	lines, status := p.readLines(names)
	keys := f['k']
	key := func(s string) []string {
		if len(keys) == 0 {
			return []string{s}
		}
		var out []string
		for _, k := range keys {
			out = append(out, sortKey(s, k, f.value('t', "")))
		}
		return out
	}
	compare := func(a, b string) int {
		ka, kb := key(a), key(b)
		for i := range ka {
			numeric := f.has('n') || f.has('g') || i < len(keys) && strings.Contains(keys[i], "n")
			var c int
			switch {
			case numeric:
				c = cmp.Compare(leading(ka[i]), leading(kb[i]))
			case f.has('V'):
				c = compareVersions(ka[i], kb[i])
			case f.has('f'):
				c = cmp.Compare(strings.ToLower(ka[i]), strings.ToLower(kb[i]))
			default:
				c = cmp.Compare(ka[i], kb[i])
			}
			if i < len(keys) && strings.Contains(keys[i], "r") {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		c := compare(a, b)
		if c == 0 && !f.has('u') && !f.has('s') {
			c = cmp.Compare(a, b)
		}
		if f.has('r') {
			return -c
		}
		return c
	})
	if f.has('u') {
		lines = slices.CompactFunc(lines, func(a, b string) bool { return compare(a, b) == 0 })
	}
	out := p.Out
	if f.has('o') {
		o, err := os.Create(p.Path(f.value('o', "")))
		if err != nil {
			return p.Fail(err)
		}
		defer o.Close()
		out = o
	}
	if len(lines) > 0 {
		if _, err := io.WriteString(out, strings.Join(lines, "\n")+"\n"); err != nil {
			return p.Fail(err)
		}
	}
	return status
}

// sortKey is the part of a line that -k names, such as 2 or 2,3n.
func sortKey(s, k, separator string) string {
	k = strings.TrimRight(k, "nrbfV")
	from, to, ranged := strings.Cut(k, ",")
	from, _, _ = strings.Cut(from, ".")
	to, _, _ = strings.Cut(strings.TrimRight(to, "nrbfV"), ".")
	var fields []string
	if separator == "" {
		fields, separator = strings.Fields(s), " "
	} else {
		fields = strings.Split(s, separator)
	}
	a, b := number(from)-1, len(fields)
	if ranged {
		b = min(number(to), len(fields))
	}
	if a < 0 || a >= b {
		return ""
	}
	return strings.Join(fields[a:b], separator)
}

func leading(s string) float64 {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && (unicode.IsDigit(rune(s[end])) || s[end] == '.' || end == 0 && s[end] == '-') {
		end++
	}
	n, _ := strconv.ParseFloat(s[:end], 64)
	return n
}

func compareVersions(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			x, _ := strconv.ParseUint(a[:da], 10, 64)
			y, _ := strconv.ParseUint(b[:db], 10, 64)
			if x != y {
				return cmp.Compare(x, y)
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && unicode.IsDigit(rune(s[n])) {
		n++
	}
	return n
}
