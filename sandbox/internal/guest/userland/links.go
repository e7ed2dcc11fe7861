//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func ln(p *Proc) int {
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
		to := p.Path(dest)
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
				if rel, err := filepath.Rel(filepath.Dir(to), p.Path(target)); err == nil {
					target = rel
				}
			}
			err = os.Symlink(target, to)
		} else {
			err = os.Link(p.Path(target), to)
		}
		if err != nil {
			status = p.Fail(err)
		}
	}
	return status
}

func readlink(p *Proc) int {
	f, names, ok := p.options("femn", "canonicalize=f", "canonicalize-existing=e", "canonicalize-missing=m", "no-newline=n")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		path := p.Path(name)
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
		fmt.Fprint(p.Out, target)
		if !f.has('n') {
			fmt.Fprintln(p.Out)
		}
	}
	return status
}

func realpath(p *Proc) int {
	f, names, ok := p.options("esmq", "canonicalize-existing=e", "canonicalize-missing=m", "no-symlinks=s", "quiet=q")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		target, err := resolve(p.Path(name), !f.has('e'))
		if err != nil {
			status = p.Fail(err)
			continue
		}
		fmt.Fprintln(p.Out, target)
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
