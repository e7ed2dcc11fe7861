//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

func grep(p *Proc) int {
	f, args, ok := p.options("EFGPivnclLqshHorRwxae:f:m:A:B:C:I", "extended-regexp=E", "fixed-strings=F", "perl-regexp=P", "ignore-case=i",
		"invert-match=v", "line-number=n",
		"count=c", "files-with-matches=l", "files-without-match=L", "quiet=q", "silent=q", "no-messages=s", "no-filename=h",
		"with-filename=H", "only-matching=o",
		"recursive=r", "word-regexp=w", "line-regexp=x", "regexp=e", "max-count=m", "text=a", "color=s")
	if !ok {
		return 2
	}
	patterns := f['e']
	if f.has('f') {
		lines, status := p.readLines([]string{f.value('f', "")})
		if status != 0 {
			return 2
		}
		patterns = append(patterns, lines...)
	} else if len(patterns) == 0 {
		if len(args) == 0 {
			return p.usage("[OPTION]... PATTERN [FILE]...")
		}
		patterns, args = strings.Split(args[0], "\n"), args[1:]
	}
	g := &grepper{p: p, f: f, limit: number(f.value('m', "-1"))}
	if err := g.compile(patterns); err != nil {
		p.Fail(err)
		return 2
	}
	return g.run(args)
}

type grepper struct {
	p       *Proc
	f       flags
	re      *regexp.Regexp
	limit   int
	named   bool
	matched bool
}

func (g *grepper) compile(patterns []string) error {
	for i, s := range patterns {
		switch {
		case g.f.has('F') || g.p.Name == "fgrep":
			s = regexp.QuoteMeta(s)
		case g.f.has('P'):
		default:
			s = translate(s, g.f.has('E') || g.p.Name == "egrep")
		}
		if g.f.has('w') {
			s = `\b(?:` + s + `)\b`
		}
		if g.f.has('x') {
			s = `^(?:` + s + `)$`
		}
		patterns[i] = "(?:" + s + ")"
	}
	all := strings.Join(patterns, "|")
	if g.f.has('i') {
		all = "(?i)" + all
	}
	re, err := regexp.Compile(all)
	if err != nil {
		return err
	}
	if !g.f.has('P') {
		re.Longest()
	}
	g.re = re
	return nil
}

func (g *grepper) run(names []string) int {
	if g.f.has('r') || g.f.has('R') {
		if len(names) == 0 {
			names = []string{"."}
		}
		names = g.below(names)
		g.named = !g.f.has('h')
		if len(names) == 0 {
			return 1
		}
	} else {
		g.named = (len(names) > 1 || g.f.has('H')) && !g.f.has('h')
	}
	quiet := *g.p
	if g.f.has('s') {
		quiet.Err = io.Discard
	}
	status := quiet.inputs(names, g.search)
	switch {
	case g.matched && (status == 0 || g.f.has('q')):
		return 0
	case status != 0:
		return 2
	}
	return 1
}

func (g *grepper) below(names []string) []string {
	var out []string
	for _, name := range names {
		_ = filepath.WalkDir(g.p.Path(name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				rel, _ := filepath.Rel(g.p.Path(name), path)
				out = append(out, filepath.Join(name, rel))
			}
			return nil
		})
	}
	return out
}

func (g *grepper) search(name string, r io.Reader) error {
	count, line := 0, 0
	context := max(number(g.f.value('A', "0")), number(g.f.value('C', "0")))
	after := 0
	prefix := func(sep string) string {
		s := ""
		if g.named {
			s += name + sep
		}
		if g.f.has('n') {
			s += fmt.Sprintf("%d%s", line, sep)
		}
		return s
	}
	err := eachLine(r, func(s string) error {
		line++
		s = strings.TrimSuffix(s, "\n")
		if g.re.MatchString(s) == g.f.has('v') {
			if after > 0 {
				after--
				fmt.Fprintln(g.p.Out, prefix("-")+s)
			}
			return nil
		}
		count++
		after = context
		switch {
		case g.f.has('q') || g.f.has('l') || g.f.has('L'):
			return errEnough
		case g.f.has('c'):
		case g.f.has('o'):
			for _, m := range g.re.FindAllString(s, -1) {
				fmt.Fprintln(g.p.Out, prefix(":")+m)
			}
		default:
			if _, err := fmt.Fprintln(g.p.Out, prefix(":")+s); err != nil {
				return err
			}
		}
		if count == g.limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	found := count > 0
	switch {
	case g.f.has('c'):
		if g.named {
			fmt.Fprint(g.p.Out, name+":")
		}
		fmt.Fprintln(g.p.Out, count)
	case g.f.has('l') && found, g.f.has('L') && !found:
		fmt.Fprintln(g.p.Out, name)
	}
	if g.f.has('L') {
		found = !found
	}
	g.matched = g.matched || found
	return err
}
