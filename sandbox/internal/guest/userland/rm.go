//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

func rm(p *Proc) int {
	f, names, ok := p.options("rRfidv", "recursive=r", "force=f", "dir=d", "verbose=v")
	if !ok {
		return 1
	}
	if len(names) == 0 && !f.has('f') {
		return p.failf("missing operand")
	}
	status := 0
	for _, name := range names {
		path := p.Path(name)
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
			status = p.Fail(err)
		} else if f.has('v') {
			fmt.Fprintf(p.Out, "removed '%s'\n", name)
		}
	}
	return status
}

func rmdir(p *Proc) int {
	f, names, ok := p.options("p", "parents=p", "ignore-fail-on-non-empty=p")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		for dir := name; dir != "." && dir != "/"; dir = filepath.Dir(dir) {
			if err := syscall.Rmdir(p.Path(dir)); err != nil {
				status = p.Fail(&fs.PathError{Path: dir, Err: err})
				break
			}
			if !f.has('p') {
				break
			}
		}
	}
	return status
}
