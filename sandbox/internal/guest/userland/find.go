//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

func init() { registerAlone(map[string]Command{"find": find}) }

// found is a file that find looks at.
type found struct {
	name, path string
	info       fs.FileInfo
}

// test decides on a file; an action is one too.
type test func(found) bool

// finder is one call of find: its expression, and what the options in it say.
type finder struct {
	p                  *Proc
	args               []string
	minDepth, maxDepth int
	depthFirst         bool
	follow             bool
	action             bool // the expression prints or acts by itself
	pruned             bool
	ends               []func()
	status             int
}

func find(p *Proc) int {
	f := &finder{p: p, maxDepth: 1 << 30}
	args := p.Args
	for len(args) > 0 && (args[0] == "-L" || args[0] == "-H" || args[0] == "-P") {
		f.follow = args[0] == "-L"
		args = args[1:]
	}
	var starts []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "(" && args[0] != "!" {
		starts, args = append(starts, args[0]), args[1:]
	}
	if len(starts) == 0 {
		starts = []string{"."}
	}
	f.args = args
	match, err := f.or()
	if err == nil && len(f.args) > 0 {
		err = fmt.Errorf("unexpected argument '%s'", f.args[0])
	}
	if err != nil {
		return p.Fail(err)
	}
	if !f.action {
		inner := match
		match = func(x found) bool {
			if inner(x) {
				fmt.Fprintln(p.Out, x.name)
			}
			return true
		}
	}
	for _, s := range starts {
		f.visit(s, 0, match)
	}
	for _, end := range f.ends {
		end()
	}
	return f.status
}

func (f *finder) visit(name string, depth int, match test) {
	file := f.p.Path(name)
	info, err := os.Lstat(file)
	if f.follow {
		if st, serr := os.Stat(file); serr == nil {
			info = st
		}
	}
	if err != nil {
		fmt.Fprintf(f.p.Err, "find: '%s': %s\n", name, Reason(err))
		f.status = 1
		return
	}
	x := found{name, file, info}
	f.pruned = false
	if !f.depthFirst && depth >= f.minDepth {
		match(x)
	}
	if info.IsDir() && depth < f.maxDepth && !f.pruned {
		entries, err := os.ReadDir(file)
		if err != nil {
			fmt.Fprintf(f.p.Err, "find: '%s': %s\n", name, Reason(err))
			f.status = 1
		}
		for _, e := range entries {
			f.visit(strings.TrimSuffix(name, "/")+"/"+e.Name(), depth+1, match)
		}
	}
	if f.depthFirst && depth >= f.minDepth {
		match(x)
	}
}

func (f *finder) next() (string, bool) {
	if len(f.args) == 0 {
		return "", false
	}
	a := f.args[0]
	f.args = f.args[1:]
	return a, true
}

func (f *finder) or() (test, error) {
	left, err := f.and()
	for err == nil && len(f.args) > 0 && (f.args[0] == "-o" || f.args[0] == "-or") {
		f.next()
		var right test
		l := left
		right, err = f.and()
		left = func(x found) bool { return l(x) || right(x) }
	}
	return left, err
}

func (f *finder) and() (test, error) {
	all := test(func(found) bool { return true })
	for len(f.args) > 0 && f.args[0] != ")" && f.args[0] != "-o" && f.args[0] != "-or" {
		if f.args[0] == "-a" || f.args[0] == "-and" {
			f.next()
			continue
		}
		t, err := f.primary()
		if err != nil {
			return nil, err
		}
		before := all
		all = func(x found) bool { return before(x) && t(x) }
	}
	return all, nil
}

func (f *finder) primary() (test, error) {
	name, _ := f.next()
	switch name {
	case "!", "-not":
		t, err := f.primary()
		return func(x found) bool { return !t(x) }, err
	case "(":
		t, err := f.or()
		if end, _ := f.next(); err == nil && end != ")" {
			err = errors.New("missing ')'")
		}
		return t, err
	case "-print", "-print0", "-delete", "-prune", "-true", "-false", "-empty", "-depth", "-xdev", "-mount", "-readable", "-writable",
		"-executable", "-quit", "-ls", "-nouser", "-nogroup":
		return f.plain(name), nil
	case "-exec", "-execdir", "-ok":
		return f.exec()
	}
	value, ok := f.next()
	if !ok {
		return nil, fmt.Errorf("missing argument to '%s'", name)
	}
	return f.valued(name, value)
}
