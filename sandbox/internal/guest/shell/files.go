//go:build linux

package shell

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	register(map[string]command{
		"cat": cat, "rm": rm, "rmdir": rmdir, "mkdir": mkdir, "touch": touch, "ln": ln, "readlink": readlink, "realpath": realpath,
		"basename": basename, "dirname": dirname, "mktemp": mktemp, "truncate": truncate, "mkfifo": mkfifo,
	})
}

func cat(p *proc) int {
	f, names, ok := p.options("unAevst", "number=n")
	if !ok {
		return 1
	}
	line := 0
	return p.inputs(names, func(_ string, r io.Reader) error {
		if !f.has('n') {
			_, err := io.Copy(p.out, r)
			return err
		}
		return eachLine(r, func(s string) error {
			line++
			_, err := fmt.Fprintf(p.out, "%6d\t%s", line, s)
			return err
		})
	})
}

func rm(p *proc) int {
	f, names, ok := p.options("rRfidv", "recursive=r", "force=f", "dir=d", "verbose=v")
	if !ok {
		return 1
	}
	if len(names) == 0 && !f.has('f') {
		return p.failf("missing operand")
	}
	status := 0
	for _, name := range names {
		path := p.path(name)
		st, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && f.has('f'):
			continue
		case err != nil:
		case filepath.Clean(path) == "/":
			err = errors.New("it is dangerous to operate recursively on '/'")
		case st.IsDir() && !f.has('r') && !f.has('R') && !f.has('d'):
			err = &fs.PathError{Path: name, Err: syscall.EISDIR}
		case f.has('r') || f.has('R'):
			err = os.RemoveAll(path)
		default:
			err = os.Remove(path)
		}
		if err != nil {
			status = p.fail(err)
		} else if f.has('v') {
			fmt.Fprintf(p.out, "removed '%s'\n", name)
		}
	}
	return status
}

func rmdir(p *proc) int {
	f, names, ok := p.options("p", "parents=p", "ignore-fail-on-non-empty=p")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		for dir := name; dir != "." && dir != "/"; dir = filepath.Dir(dir) {
			if err := syscall.Rmdir(p.path(dir)); err != nil {
				status = p.fail(&fs.PathError{Path: dir, Err: err})
				break
			}
			if !f.has('p') {
				break
			}
		}
	}
	return status
}

func mkdir(p *proc) int {
	f, names, ok := p.options("pvm:", "parents=p", "mode=m", "verbose=v")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		return p.failf("missing operand")
	}
	status := 0
	for _, name := range names {
		path, create := p.path(name), os.Mkdir
		if f.has('p') {
			create = os.MkdirAll
		}
		err := create(path, 0o777)
		if err == nil && f.has('m') {
			err = chmodPath(path, f.value('m', ""))
		}
		if err != nil {
			status = p.fail(err)
		}
	}
	return status
}

func touch(p *proc) int {
	f, names, ok := p.options("acmhd:t:r:", "no-create=c", "date=d", "reference=r")
	if !ok {
		return 1
	}
	when := time.Now()
	switch {
	case f.has('r'):
		st, err := os.Stat(p.path(f.value('r', "")))
		if err != nil {
			return p.fail(err)
		}
		when = st.ModTime()
	case f.has('d'):
		t, err := parseDate(f.value('d', ""))
		if err != nil {
			return p.fail(err)
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
		path := p.path(name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if f.has('c') {
				continue
			}
			n, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
			if err != nil {
				status = p.fail(err)
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
			status = p.fail(err)
		}
	}
	return status
}

func ln(p *proc) int {
	f, names, ok := p.options("sfnvrT", "symbolic=s", "force=f", "no-dereference=n", "relative=r", "no-target-directory=T")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		return p.failf("missing file operand")
	}
	dest := "."
	if len(names) > 1 {
		dest, names = names[len(names)-1], names[:len(names)-1]
	}
	status := 0
	for _, target := range names {
		to := p.path(dest)
		st, err := os.Stat(to)
		if f.has('n') || f.has('T') {
			st, err = os.Lstat(to)
		}
		if err == nil && st.IsDir() && !f.has('T') {
			to = filepath.Join(to, filepath.Base(target))
		}
		if f.has('f') {
			_ = os.Remove(to)
		}
		if f.has('s') {
			if f.has('r') {
				if rel, err := filepath.Rel(filepath.Dir(to), p.path(target)); err == nil {
					target = rel
				}
			}
			err = os.Symlink(target, to)
		} else {
			err = os.Link(p.path(target), to)
		}
		if err != nil {
			status = p.fail(err)
		}
	}
	return status
}

func readlink(p *proc) int {
	f, names, ok := p.options("femn", "canonicalize=f", "canonicalize-existing=e", "canonicalize-missing=m", "no-newline=n")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		path := p.path(name)
		var target string
		var err error
		if f.has('f') || f.has('e') || f.has('m') {
			target, err = resolve(path, !f.has('e'))
		} else {
			target, err = os.Readlink(path)
		}
		if err != nil {
			status = 1
			continue
		}
		fmt.Fprint(p.out, target)
		if !f.has('n') {
			fmt.Fprintln(p.out)
		}
	}
	return status
}

func realpath(p *proc) int {
	f, names, ok := p.options("esmq", "canonicalize-existing=e", "canonicalize-missing=m", "no-symlinks=s", "quiet=q")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		target, err := resolve(p.path(name), !f.has('e'))
		if err != nil {
			status = p.fail(err)
			continue
		}
		fmt.Fprintln(p.out, target)
	}
	return status
}

// resolve follows symbolic links; with missing, the last part need not exist.
func resolve(path string, missing bool) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err == nil || !missing || !errors.Is(err, fs.ErrNotExist) {
		return target, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

func basename(p *proc) int {
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
		fmt.Fprintln(p.out, base)
	}
	return 0
}

func dirname(p *proc) int {
	if len(p.args) == 0 {
		return p.usage("NAME...")
	}
	for _, name := range p.args {
		fmt.Fprintln(p.out, filepath.Dir(strings.TrimRight(name, "/")+strings.Repeat("/", btoi(strings.Trim(name, "/") == ""))))
	}
	return 0
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func mktemp(p *proc) int {
	f, names, ok := p.options("dutqp:", "directory=d", "dry-run=u", "quiet=q", "tmpdir=p", "suffix=s")
	if !ok {
		return 1
	}
	dir := f.value('p', p.getenv("TMPDIR"))
	if dir == "" {
		dir = "/tmp"
	}
	template := "tmp.XXXXXXXXXX"
	if len(names) > 0 {
		template = names[0]
		if !f.has('t') && !f.has('p') {
			dir = filepath.Dir(p.path(template))
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
		d, err := os.MkdirTemp(p.path(dir), pattern)
		if err != nil {
			return p.fail(err)
		}
		path = d
	} else {
		t, err := os.CreateTemp(p.path(dir), pattern)
		if err != nil {
			return p.fail(err)
		}
		t.Close()
		path = t.Name()
	}
	if f.has('u') {
		_ = os.Remove(path)
	}
	fmt.Fprintln(p.out, path)
	return 0
}

func truncate(p *proc) int {
	f, names, ok := p.options("cs:", "no-create=c", "size=s")
	if !ok {
		return 1
	}
	size, err := parseSize(f.value('s', ""))
	if err != nil {
		return p.fail(err)
	}
	status := 0
	for _, name := range names {
		t, err := os.OpenFile(p.path(name), os.O_CREATE|os.O_WRONLY, 0o666)
		if err == nil {
			err = errors.Join(t.Truncate(size), t.Close())
		}
		if err != nil {
			status = p.fail(err)
		}
	}
	return status
}

func mkfifo(p *proc) int {
	_, names, ok := p.options("m:")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		if err := unix.Mkfifo(p.path(name), 0o666); err != nil {
			status = p.fail(&fs.PathError{Path: name, Err: err})
		}
	}
	return status
}
