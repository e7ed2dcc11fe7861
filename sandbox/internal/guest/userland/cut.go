//go:build linux

package userland

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

func cut(p *Proc) int {
	f, names, ok := p.options("d:f:c:b:s", "delimiter=d", "fields=f", "characters=c", "bytes=b", "only-delimited=s")
	if !ok {
		return 1
	}
	delimiter := f.value('d', "\t")
	spec := f.value('f', f.value('c', f.value('b', "")))
	wanted, err := ranges(spec)
	if err != nil {
		return p.Fail(err)
	}
	return p.inputs(names, func(_ string, r io.Reader) error {
		return eachLine(r, func(s string) error {
			s = strings.TrimSuffix(s, "\n")
			if !f.has('f') {
				var b strings.Builder
				for i, c := range []rune(s) {
					if wanted(i + 1) {
						b.WriteRune(c)
					}
				}
				_, err := fmt.Fprintln(p.Out, b.String())
				return err
			}
			if !strings.Contains(s, delimiter) {
				if f.has('s') {
					return nil
				}
				_, err := fmt.Fprintln(p.Out, s)
				return err
			}
			var kept []string
			for i, field := range strings.Split(s, delimiter) {
				if wanted(i + 1) {
					kept = append(kept, field)
				}
			}
			_, err := fmt.Fprintln(p.Out, strings.Join(kept, delimiter))
			return err
		})
	})
}

// ranges parses a list such as 1,3-5,7-.
func ranges(spec string) (func(int) bool, error) {
	type span struct{ from, to int }
	var spans []span
	for part := range strings.SplitSeq(spec, ",") {
		a, b, ranged := strings.Cut(part, "-")
		s := span{1, 1 << 30}
		if a != "" {
			s.from = number(a)
		}
		if !ranged {
			s.to = s.from
		} else if b != "" {
			s.to = number(b)
		}
		if s.from < 1 || s.to < 1 {
			return nil, fmt.Errorf("invalid list '%s'", spec)
		}
		spans = append(spans, s)
	}
	return func(n int) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return s.from <= n && n <= s.to })
	}, nil
}
