//go:build linux

package userland

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// sedParser reads a script.
type sedParser struct {
	s        string
	extended bool
	last     *regexp.Regexp
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
