//go:build linux

package userland

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func basename(p *Proc) int {
	f, names, ok := p.options("+as:", "multiple=a", "suffix=s")
	if !ok || len(names) == 0 {
		return p.usage("NAME [SUFFIX]")
	}
	suffix := f.value('s', "")
	if !f.has('a') && !f.has('s') && len(names) > 1 {
		suffix, names = names[1], names[:1]
	}
	for _, name := range names {
		base := filepath.Base(name)
		if base != suffix {
			base = strings.TrimSuffix(base, suffix)
		}
		fmt.Fprintln(p.Out, base)
	}
	return 0
}

func dirname(p *Proc) int {
	if len(p.Args) == 0 {
		return p.usage("NAME...")
	}
	for _, name := range p.Args {
		fmt.Fprintln(p.Out, filepath.Dir(strings.TrimRight(name, "/")+strings.Repeat("/", btoi(strings.Trim(name, "/") == ""))))
	}
	return 0
}

func mktemp(p *Proc) int {
	f, names, ok := p.options("dutqp:", "directory=d", "dry-run=u", "quiet=q", "tmpdir=p", "suffix=s")
	if !ok {
		return 1
	}
	dir := f.value('p', p.Getenv("TMPDIR"))
	if dir == "" {
		dir = "/tmp"
	}
	template := "tmp.XXXXXXXXXX"
	if len(names) > 0 {
		template = names[0]
		if !f.has('t') && !f.has('p') {
			dir = filepath.Dir(p.Path(template))
			template = filepath.Base(template)
		}
	}
	end := strings.LastIndex(template, "X")
	start := end
	for start > 0 && template[start-1] == 'X' {
		start--
	}
	if end < 0 || end-start < 2 {
		return p.failf("too few X's in template '%s'", template)
	}
	pattern := template[:start] + "*" + template[end+1:]
	var path string
	if f.has('d') {
		d, err := os.MkdirTemp(p.Path(dir), pattern)
		if err != nil {
			return p.Fail(err)
		}
		path = d
	} else {
		t, err := os.CreateTemp(p.Path(dir), pattern)
		if err != nil {
			return p.Fail(err)
		}
		t.Close()
		path = t.Name()
	}
	if f.has('u') {
		_ = os.Remove(path)
	}
	fmt.Fprintln(p.Out, path)
	return 0
}
