//go:build linux

package userland

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

func init() {
	register(map[string]Command{
		"head": head, "tail": tail, "wc": wc, "uniq": uniq, "cut": cut, "tee": tee, "grep": grep, "egrep": grep, "fgrep": grep,
		"seq": seq, "tac": tac, "yes": yes, "cmp": compare, "diff": compare, "nl": nl,
	})
}

// eachLine visits the lines of r with their line ends.
func eachLine(r io.Reader, visit func(line string) error) error {
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadString('\n')
		if line != "" {
			if verr := visit(line); verr != nil {
				return verr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// errEnough ends eachLine early.
var errEnough = errors.New("enough")

// readLines reads all lines of all inputs without their ends.
func (p *Proc) readLines(names []string) ([]string, int) {
	var lines []string
	status := p.inputs(names, func(_ string, r io.Reader) error {
		return eachLine(r, func(s string) error {
			lines = append(lines, strings.TrimSuffix(s, "\n"))
			return nil
		})
	})
	return lines, status
}

func tac(p *Proc) int {
	lines, status := p.readLines(p.Args)
	for _, l := range slices.Backward(lines) {
		fmt.Fprintln(p.Out, l)
	}
	return status
}

func nl(p *Proc) int {
	p.Args = append([]string{"-n"}, p.Args...)
	return cat(p)
}
