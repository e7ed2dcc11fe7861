//go:build linux

package userland

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
)

func init() { register(map[string]Command{"sed": sed}) }

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

func sed(p *Proc) int {
	inPlace, suffix := false, ""
	var args []string
	for _, a := range p.Args { // -i may carry a suffix, but needs none
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
	p.Args = args
	f, names, ok := p.options("nErse:f:uz", "quiet=n", "silent=n", "regexp-extended=E", "expression=e", "file=f", "separate=s")
	if !ok {
		return 1
	}
	scripts := f['e']
	for _, name := range f['f'] {
		b, err := os.ReadFile(p.Path(name))
		if err != nil {
			return p.Fail(err)
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
		e := &sedRun{out: p.Out, quiet: f.has('n'), path: p.Path}
		if err := e.run(commands, all.Bytes()); err != nil {
			return p.Fail(err)
		}
		return max(status, e.status)
	}
	status := 0
	for _, name := range names {
		if err := sedFile(p, commands, p.Path(name), suffix, f.has('n')); err != nil {
			status = p.Fail(err)
		}
	}
	return status
}

func sedFile(p *Proc, commands []*sedCommand, path, suffix string, quiet bool) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := (&sedRun{out: &out, quiet: quiet, path: p.Path}).run(commands, b); err != nil {
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
