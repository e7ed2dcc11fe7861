//go:build linux

package userland

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

func wc(p *Proc) int {
	f, names, ok := p.options("lwcm", "lines=l", "words=w", "bytes=c", "chars=m")
	if !ok {
		return 1
	}
	all := len(f) == 0
	var total [3]int
	show := func(n [3]int, name string) {
		var parts []string
		for i, c := range []byte("lwc") {
			if all || f.has(c) || c == 'c' && f.has('m') {
				parts = append(parts, strconv.Itoa(n[i]))
			}
		}
		if all {
			for i := range parts {
				parts[i] = fmt.Sprintf("%7s", parts[i])
			}
		}
		if name != "-" {
			parts = append(parts, name)
		}
		fmt.Fprintln(p.Out, strings.Join(parts, " "))
	}
	status := p.inputs(names, func(name string, r io.Reader) error {
		var n [3]int
		err := eachLine(r, func(s string) error {
			n[0] += strings.Count(s, "\n")
			n[1] += len(strings.Fields(s))
			n[2] += len(s)
			return nil
		})
		for i := range n {
			total[i] += n[i]
		}
		show(n, name)
		return err
	})
	if len(names) > 1 {
		show(total, "total")
	}
	return status
}
