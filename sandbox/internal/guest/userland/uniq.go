//go:build linux

package userland

import (
	"fmt"
	"strings"
)

func uniq(p *Proc) int {
	f, names, ok := p.options("cdui", "count=c", "repeated=d", "unique=u", "ignore-case=i")
	if !ok {
		return 1
	}
	lines, status := p.readLines(names[:min(len(names), 1)])
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && (lines[i+n] == lines[i] || f.has('i') && strings.EqualFold(lines[i+n], lines[i])) {
			n++
		}
		if !(f.has('d') && n == 1) && !(f.has('u') && n > 1) {
			if f.has('c') {
				fmt.Fprintf(p.Out, "%7d ", n)
			}
			fmt.Fprintln(p.Out, lines[i])
		}
		i += n
	}
	return status
}
