//go:build linux

package shell

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

func init() { register(map[string]command{"sed": sed}) }

// sedCommand is one command of a sed script.
type sedCommand struct {
	from, to *sedAddress
	negated  bool
	name     byte
	text     string // of a, i and c; the file of w and r; the label of b and t
	re       *regexp.Regexp
	replace  []string // literal texts and group references by turns: text, group, text, ...
	global   bool
	print    bool
	nth      int
	table    map[rune]rune // of y
	block    []*sedCommand
	active   bool // inside a range of addresses
	until    int  // last line of a range that ends with a number
}

type sedAddress struct {
	line int // 0 = none
	last bool
	re   *regexp.Regexp
	plus int // "+n" as the second address
}

// sedParser reads a script.
type sedParser struct {
	s        string
	extended bool
	last     *regexp.Regexp
}

func sed(p *proc) int {
	inPlace, suffix := false, ""
	var args []string
	for _, a := range p.args { // -i may carry a suffix, but needs none
		switch {
		case a == "-i" || a == "--in-place":
			inPlace = true
		case strings.HasPrefix(a, "--in-place="):
			inPlace, suffix = true, strings.TrimPrefix(a, "--in-place=")
		case strings.HasPrefix(a, "-i") && !strings.HasPrefix(a, "--"):
			inPlace, suffix = true, a[2:]
		case len(a) > 2 && a[0] == '-' && a[1] != '-' && strings.HasSuffix(a, "i") && strings.Trim(a[1:], "nEri") == "":
			inPlace = true
			args = append(args, a[:len(a)-1])
		default:
			args = append(args, a)
		}
	}
	p.args = args
	f, names, ok := p.options("nErse:f:uz", "quiet=n", "silent=n", "regexp-extended=E", "expression=e", "file=f", "separate=s")
	if !ok {
		return 1
	}
	scripts := f['e']
	for _, name := range f['f'] {
		b, err := os.ReadFile(p.path(name))
		if err != nil {
			return p.fail(err)
		}
		scripts = append(scripts, strings.TrimSuffix(string(b), "\n"))
	}
	if len(scripts) == 0 {
		if len(names) == 0 {
			return p.usage("[-nEi] SCRIPT [FILE]...")
		}
		scripts, names = names[:1], names[1:]
	}
	parser := &sedParser{s: strings.Join(scripts, "\n"), extended: f.has('E') || f.has('r')}
	commands, err := parser.block(false)
	if err != nil {
		return p.failf("-e expression: %w", err)
	}
	if !inPlace {
		var all bytes.Buffer
		status := p.inputs(names, func(_ string, r io.Reader) error { _, err := all.ReadFrom(r); return err })
		e := &sedRun{out: p.out, quiet: f.has('n'), path: p.path}
		if err := e.run(commands, all.Bytes()); err != nil {
			return p.fail(err)
		}
		return max(status, e.status)
	}
	status := 0
	for _, name := range names {
		if err := sedFile(p, commands, p.path(name), suffix, f.has('n')); err != nil {
			status = p.fail(err)
		}
	}
	return status
}

func sedFile(p *proc, commands []*sedCommand, path, suffix string, quiet bool) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := (&sedRun{out: &out, quiet: quiet, path: p.path}).run(commands, b); err != nil {
		return err
	}
	if suffix != "" {
		if err := (copier{keep: true}).copy(path, path+suffix); err != nil {
			return err
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), st.Mode().Perm())
}

func (s *sedParser) block(nested bool) ([]*sedCommand, error) {
	var out []*sedCommand
	for {
		s.s = strings.TrimLeft(s.s, " \t\n;")
		if s.s == "" {
			if nested {
				return nil, errors.New("unmatched `{'")
			}
			return out, nil
		}
		if s.s[0] == '#' {
			_, s.s, _ = strings.Cut(s.s, "\n")
			continue
		}
		if s.s[0] == '}' {
			if !nested {
				return nil, errors.New("unexpected `}'")
			}
			s.s = s.s[1:]
			return out, nil
		}
		c, err := s.command()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
}

func (s *sedParser) command() (*sedCommand, error) {
	c := &sedCommand{}
	var err error
	if c.from, err = s.address(); err != nil {
		return nil, err
	}
	if c.from != nil && strings.HasPrefix(s.s, ",") {
		s.s = strings.TrimLeft(s.s[1:], " ")
		if c.to, err = s.address(); err != nil {
			return nil, err
		}
		if c.to == nil {
			return nil, errors.New("unexpected `,'")
		}
	}
	s.s = strings.TrimLeft(s.s, " \t")
	for strings.HasPrefix(s.s, "!") {
		c.negated = true
		s.s = strings.TrimLeft(s.s[1:], " ")
	}
	if s.s == "" {
		return nil, errors.New("missing command")
	}
	c.name = s.s[0]
	s.s = s.s[1:]
	switch c.name {
	case '{':
		c.block, err = s.block(true)
	case 's':
		err = s.substitute(c)
	case 'y':
		err = s.transliterate(c)
	case 'a', 'i', 'c':
		c.text = s.textArgument()
	case 'b', 't', ':', 'r', 'w':
		line, rest, _ := strings.Cut(s.s, "\n")
		if c.name != 'r' && c.name != 'w' {
			var after string
			if line, after, _ = strings.Cut(line, ";"); after != "" {
				rest = after + "\n" + rest
			}
		}
		c.text, s.s = strings.TrimSpace(line), rest
	case 'd', 'D', 'p', 'P', 'n', 'N', 'g', 'G', 'h', 'H', 'x', '=':
	case 'q', 'Q':
		s.s = strings.TrimLeft(s.s, " ")
		c.nth = s.number()
	default:
		err = fmt.Errorf("unknown command: `%c'", c.name)
	}
	return c, err
}

func (s *sedParser) number() int {
	n := digits(s.s)
	v, _ := strconv.Atoi(s.s[:n])
	s.s = s.s[n:]
	return v
}

func (s *sedParser) address() (*sedAddress, error) {
	switch {
	case s.s == "":
		return nil, nil
	case digits(s.s) > 0:
		return &sedAddress{line: s.number()}, nil
	case s.s[0] == '+':
		s.s = s.s[1:]
		return &sedAddress{plus: s.number()}, nil
	case s.s[0] == '$':
		s.s = s.s[1:]
		return &sedAddress{last: true}, nil
	case s.s[0] == '/' || s.s[0] == '\\' && len(s.s) > 1:
		if s.s[0] == '\\' {
			s.s = s.s[1:]
		}
		d := s.s[0]
		s.s = s.s[1:]
		expr, err := s.until(d, true)
		if err != nil {
			return nil, errors.New("unterminated address regex")
		}
		fold := strings.HasPrefix(s.s, "I")
		s.s = strings.TrimPrefix(s.s, "I")
		re, err := s.regex(expr, fold)
		return &sedAddress{re: re}, err
	}
	return nil, nil
}

// until reads up to an unescaped delimiter, which inside loses its escape.
func (s *sedParser) until(d byte, re bool) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s.s); i++ {
		c := s.s[i]
		switch {
		case c == '\\' && i+1 < len(s.s):
			i++
			if s.s[i] != d {
				b.WriteByte('\\')
			}
			b.WriteByte(s.s[i])
		case c == d:
			s.s = s.s[i+1:]
			return b.String(), nil
		case re && c == '[':
			end := bracketEnd(s.s, i)
			b.WriteString(s.s[i:end])
			i = end - 1
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("unterminated")
}

func (s *sedParser) regex(expr string, fold bool) (*regexp.Regexp, error) {
	if expr == "" {
		if s.last == nil {
			return nil, errors.New("no previous regular expression")
		}
		return s.last, nil
	}
	re, err := compile(expr, s.extended, fold)
	s.last = re
	return re, err
}

func (s *sedParser) substitute(c *sedCommand) error {
	if s.s == "" {
		return errors.New("unterminated `s' command")
	}
	d := s.s[0]
	s.s = s.s[1:]
	expr, err := s.until(d, true)
	if err != nil {
		return errors.New("unterminated `s' command")
	}
	with, err := s.until(d, false)
	if err != nil {
		return errors.New("unterminated `s' command")
	}
	fold := false
	for s.s != "" {
		switch f := s.s[0]; {
		case f == 'g':
			c.global = true
		case f == 'p':
			c.print = true
		case f == 'i' || f == 'I':
			fold = true
		case digits(s.s) > 0:
			c.nth = s.number()
			continue
		case f == 'e' || f == 'm' || f == 'M' || f == 'w':
			return fmt.Errorf("option `%c' to `s' is not supported", f)
		default:
			if strings.IndexByte(" \t\n;}", f) < 0 {
				return errors.New("unknown option to `s'")
			}
			c.re, err = s.regex(expr, fold)
			c.replace = replacement(with)
			return err
		}
		s.s = s.s[1:]
	}
	c.re, err = s.regex(expr, fold)
	c.replace = replacement(with)
	return err
}

// replacement splits the right side of s: literal text at even places, group numbers at odd ones.
func replacement(s string) []string {
	var out []string
	var b strings.Builder
	group := func(n string) {
		out = append(out, b.String(), n)
		b.Reset()
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '&':
			group("0")
		case s[i] == '\\' && i+1 < len(s):
			i++
			switch {
			case s[i] >= '0' && s[i] <= '9':
				group(s[i : i+1])
			case s[i] == 'n':
				b.WriteByte('\n')
			case s[i] == 't':
				b.WriteByte('\t')
			default:
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return append(out, b.String())
}

func (s *sedParser) transliterate(c *sedCommand) error {
	if s.s == "" {
		return errors.New("unterminated `y' command")
	}
	d := s.s[0]
	s.s = s.s[1:]
	from, err := s.until(d, false)
	if err != nil {
		return errors.New("unterminated `y' command")
	}
	to, err := s.until(d, false)
	if err != nil || len([]rune(from)) != len([]rune(to)) {
		return errors.New("strings for `y' command are different lengths")
	}
	c.table = map[rune]rune{}
	for i, r := range []rune(from) {
		c.table[r] = []rune(to)[i]
	}
	return nil
}

// textArgument is the text of a, i and c: the rest of the line, or of all lines that a backslash continues.
func (s *sedParser) textArgument() string {
	s.s = strings.TrimLeft(s.s, " \t")
	s.s = strings.TrimPrefix(s.s, "\\")
	s.s = strings.TrimPrefix(strings.TrimLeft(s.s, " \t"), "\n")
	var b strings.Builder
	for i := 0; i < len(s.s); i++ {
		switch {
		case s.s[i] == '\\' && i+1 < len(s.s):
			i++
			if s.s[i] == 't' {
				b.WriteByte('\t')
			} else {
				b.WriteByte(s.s[i])
			}
		case s.s[i] == '\n':
			s.s = s.s[i+1:]
			return b.String()
		default:
			b.WriteByte(s.s[i])
		}
	}
	s.s = ""
	return b.String()
}

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
