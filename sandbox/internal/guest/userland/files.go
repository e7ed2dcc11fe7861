//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	register(map[string]Command{
		"cat": cat, "rm": rm, "rmdir": rmdir, "mkdir": mkdir, "touch": touch, "ln": ln, "readlink": readlink, "realpath": realpath,
		"basename": basename, "dirname": dirname, "mktemp": mktemp, "truncate": truncate, "mkfifo": mkfifo,
	})
}

func cat(p *Proc) int {
	f, names, ok := p.options("unAevst", "number=n")
	if !ok {
		return 1
	}
	line := 0
	return p.inputs(names, func(_ string, r io.Reader) error {
		if !f.has('n') {
			_, err := io.Copy(p.Out, r)
			return err
		}
		return eachLine(r, func(s string) error {
			line++
			_, err := fmt.Fprintf(p.Out, "%6d\t%s", line, s)
			return err
		})
	})
}

func mkdir(p *Proc) int {
	f, names, ok := p.options("pvm:", "parents=p", "mode=m", "verbose=v")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		return p.failf("missing operand")
	}
	status := 0
	for _, name := range names {
		path, create := p.Path(name), os.Mkdir
		if f.has('p') {
			create = os.MkdirAll
		}
		err := create(path, 0o777)
		if err == nil && f.has('m') {
			err = chmodPath(path, f.value('m', ""))
		}
		if err != nil {
			status = p.Fail(err)
		}
	}
	return status
}

func touch(p *Proc) int {
	f, names, ok := p.options("acmhd:t:r:", "no-create=c", "date=d", "reference=r")
	if !ok {
		return 1
	}
	when := time.Now()
	switch {
	case f.has('r'):
		st, err := os.Stat(p.Path(f.value('r', "")))
		if err != nil {
			return p.Fail(err)
		}
		when = st.ModTime()
	case f.has('d'):
		t, err := parseDate(f.value('d', ""))
		if err != nil {
			return p.Fail(err)
		}
		when = t
	case f.has('t'):
		t, err := time.ParseInLocation("200601021504.05", f.value('t', ""), time.Local)
		if err != nil {
			if t, err = time.ParseInLocation("200601021504", f.value('t', ""), time.Local); err != nil {
				return p.failf("invalid date format '%s'", f.value('t', ""))
			}
		}
		when = t
	}
	status := 0
	for _, name := range names {
		path := p.Path(name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if f.has('c') {
				continue
			}
			n, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
			if err != nil {
				status = p.Fail(err)
				continue
			}
			n.Close()
		}
		atime, mtime := when, when
		if f.has('a') && !f.has('m') {
			mtime = time.Time{}
		} else if f.has('m') && !f.has('a') {
			atime = time.Time{}
		}
		if err := os.Chtimes(path, atime, mtime); err != nil {
			status = p.Fail(err)
		}
	}
	return status
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func truncate(p *Proc) int {
	f, names, ok := p.options("cs:", "no-create=c", "size=s")
	if !ok {
		return 1
	}
	size, err := parseSize(f.value('s', ""))
	if err != nil {
		return p.Fail(err)
	}
	status := 0
	for _, name := range names {
		t, err := os.OpenFile(p.Path(name), os.O_CREATE|os.O_WRONLY, 0o666)
		if err == nil {
			err = errors.Join(t.Truncate(size), t.Close())
		}
		if err != nil {
			status = p.Fail(err)
		}
	}
	return status
}

func mkfifo(p *Proc) int {
	_, names, ok := p.options("m:")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		if err := unix.Mkfifo(p.Path(name), 0o666); err != nil {
			status = p.Fail(&fs.PathError{Path: name, Err: err})
		}
	}
	return status
}
