//go:build linux

package userland

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// sedRun runs a script over one input.
type sedRun struct {
	out    io.Writer
	quiet  bool
	path   func(string) string
	lines  []string
	at     int // index of the current line
	space  string
	hold   string
	after  []string
	done   bool
	swap   bool // a substitution was made since the last line or t
	status int
}

// what becomes of the pattern space after a command.
const (
	sedNext   = iota
	sedDelete // start the next cycle without printing
	sedRestart
	sedBranch
)

func (e *sedRun) run(commands []*sedCommand, input []byte) error {
	for _, c := range commands {
		reset(c)
	}
	text := string(input)
	final := strings.HasSuffix(text, "\n")
	e.lines = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		e.lines = nil
	}
	var buf bytes.Buffer
	w := e.out
	e.out = &buf
	for e.at = 0; e.at < len(e.lines) && !e.done; e.at++ {
		e.space, e.swap = e.lines[e.at], false
		what, _ := e.commands(commands)
		if what != sedDelete && !e.quiet {
			e.print(e.space)
		}
		e.flush()
	}
	b := buf.Bytes()
	if !final && len(text) > 0 {
		b = bytes.TrimSuffix(b, []byte("\n"))
	}
	_, err := w.Write(b)
	return err
}

func reset(c *sedCommand) {
	c.active = false
	for _, b := range c.block {
		reset(b)
	}
}

func (e *sedRun) print(s string) { fmt.Fprintln(e.out, s) }

func (e *sedRun) flush() {
	for _, s := range e.after {
		e.print(s)
	}
	e.after = nil
}

func (e *sedRun) commands(list []*sedCommand) (what int, label string) {
	for i := 0; i < len(list); i++ {
		c := list[i]
		if e.selected(c) == c.negated {
			continue
		}
		what, label := e.execute(c)
		if what == sedBranch {
			if label == "" {
				return sedNext, ""
			}
			target := -1
			for j, l := range list {
				if l.name == ':' && l.text == label {
					target = j
				}
			}
			if target < 0 {
				return what, label
			}
			i = target
			continue
		}
		if what != sedNext || e.done {
			return what, ""
		}
	}
	return sedNext, ""
}

func (e *sedRun) matches(a *sedAddress) bool {
	switch {
	case a.re != nil:
		return a.re.MatchString(e.space)
	case a.last:
		return e.at == len(e.lines)-1
	}
	return a.line == e.at+1
}

func (e *sedRun) selected(c *sedCommand) bool {
	if c.from == nil {
		return true
	}
	if c.to == nil {
		return e.matches(c.from)
	}
	if c.active {
		switch {
		case c.until > 0:
			c.active = e.at+1 < c.until
			return e.at+1 <= c.until
		case e.matches(c.to):
			c.active = false
		}
		return true
	}
	if !e.matches(c.from) {
		return false
	}
	c.until = c.to.line
	if c.to.plus > 0 {
		c.until = e.at + 1 + c.to.plus
	}
	c.active = c.until == 0 || c.until > e.at+1
	return true
}

func (e *sedRun) execute(c *sedCommand) (what int, label string) {
	switch c.name {
	case '{':
		return e.commands(c.block)
	case 's':
		e.substitute(c)
	case 'y':
		e.space = strings.Map(func(r rune) rune {
			if to, ok := c.table[r]; ok {
				return to
			}
			return r
		}, e.space)
	case 'd':
		return sedDelete, ""
	case 'D':
		_, rest, more := strings.Cut(e.space, "\n")
		if more {
			e.lines[e.at] = rest
			e.at--
		}
		return sedDelete, ""
	case 'p':
		e.print(e.space)
	case 'P':
		first, _, _ := strings.Cut(e.space, "\n")
		e.print(first)
	case '=':
		e.print(strconv.Itoa(e.at + 1))
	case 'a':
		e.after = append(e.after, c.text)
	case 'i':
		e.print(c.text)
	case 'c':
		if c.to == nil || !c.active {
			e.print(c.text)
		}
		return sedDelete, ""
	case 'r':
		if b, err := os.ReadFile(e.path(c.text)); err == nil {
			e.after = append(e.after, strings.TrimSuffix(string(b), "\n"))
		}
	case 'n':
		if e.at+1 >= len(e.lines) {
			e.done = true
			return sedNext, ""
		}
		if !e.quiet {
			e.print(e.space)
		}
		e.flush()
		e.at++
		e.space = e.lines[e.at]
	case 'N':
		if e.at+1 >= len(e.lines) {
			e.done = true
			return sedNext, ""
		}
		e.at++
		e.space += "\n" + e.lines[e.at]
	case 'g':
		e.space = e.hold
	case 'G':
		e.space += "\n" + e.hold
	case 'h':
		e.hold = e.space
	case 'H':
		e.hold += "\n" + e.space
	case 'x':
		e.space, e.hold = e.hold, e.space
	case 'q', 'Q':
		e.done, e.status = true, c.nth
		if c.name == 'Q' {
			return sedDelete, ""
		}
	case 'b':
		return sedBranch, c.text
	case 't':
		if e.swap {
			e.swap = false
			return sedBranch, c.text
		}
	}
	return sedNext, ""
}

func (e *sedRun) substitute(c *sedCommand) {
	var b strings.Builder
	end, hits := 0, 0
	for _, m := range c.re.FindAllStringSubmatchIndex(e.space, -1) {
		hits++
		if hits < c.nth {
			continue
		}
		b.WriteString(e.space[end:m[0]])
		for i, part := range c.replace {
			if i%2 == 0 {
				b.WriteString(part)
			} else if n := int(part[0] - '0'); 2*n+1 < len(m) && m[2*n] >= 0 {
				b.WriteString(e.space[m[2*n]:m[2*n+1]])
			}
		}
		end = m[1]
		e.swap = true
		if !c.global {
			break
		}
	}
	if hits == 0 || hits < c.nth {
		return
	}
	b.WriteString(e.space[end:])
	e.space = b.String()
	if c.print {
		e.print(e.space)
	}
}
