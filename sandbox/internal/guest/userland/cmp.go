//go:build linux

package userland

import (
	"bytes"
	"fmt"
	"io"
)

// compare is cmp, and as much of diff as a condition needs.
func compare(p *Proc) int {
	f, names, ok := p.options("sqruNbwBU:", "silent=s", "quiet=q", "brief=q")
	if !ok || len(names) < 2 {
		return p.usage("FILE1 FILE2")
	}
	var content [2][]byte
	for i := range content {
		err := p.input(names[i], func(_ string, r io.Reader) (err error) {
			content[i], err = io.ReadAll(r)
			return err
		})
		if err != nil {
			p.Fail(err)
			return 2
		}
	}
	if bytes.Equal(content[0], content[1]) {
		return 0
	}
	if !f.has('s') {
		fmt.Fprintf(p.Out, "%s %s differ\n", names[0], names[1])
	}
	return 1
}
