//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode"
)

// oldStyle turns -5 into -n5, as head and tail allow.
func oldStyle(args []string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		if len(a) > 1 && a[0] == '-' && unicode.IsDigit(rune(a[1])) {
			out[i] = "-n" + a[1:]
		}
	}
	return out
}

func head(p *Proc) int {
	p.Args = oldStyle(p.Args)
	f, names, ok := p.options("n:c:qv", "lines=n", "bytes=c", "quiet=q")
	if !ok {
		return 1
	}
	if f.has('c') {
		n, err := parseSize(f.value('c', ""))
		if err != nil {
			return p.Fail(err)
		}
		return p.inputs(names, func(_ string, r io.Reader) error {
			_, err := io.CopyN(p.Out, r, n)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		})
	}
	n, err := strconv.Atoi(f.value('n', "10"))
	if err != nil {
		return p.failf("invalid number of lines: '%s'", f.value('n', ""))
	}
	return p.inputs(names, func(name string, r io.Reader) error {
		if len(names) > 1 && !f.has('q') {
			fmt.Fprintf(p.Out, "==> %s <==\n", name)
		}
		if n < 0 {
			return headBut(p.Out, r, -n)
		}
		left := n
		err := eachLine(r, func(s string) error {
			if left--; left < 0 {
				return errEnough
			}
			_, err := io.WriteString(p.Out, s)
			if err == nil && left == 0 {
				return errEnough
			}
			return err
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
}

func headBut(w io.Writer, r io.Reader, n int) error {
	var held []string
	return eachLine(r, func(s string) error {
		if held = append(held, s); len(held) > n {
			if _, err := io.WriteString(w, held[0]); err != nil {
				return err
			}
			held = held[1:]
		}
		return nil
	})
}
