//go:build linux

package userland

import (
	"errors"
	"os"
	"syscall"
)

func mv(p *Proc) int {
	f, names, ok := p.options("finuvTt:", "force=f", "no-clobber=n", "update=u", "verbose=v", "target-directory=t", "no-target-directory=T")
	if !ok {
		return 1
	}
	pairs, err := p.targets(names, f.value('t', ""), f.has('T'))
	if err != nil {
		return p.Fail(err)
	}
	status := 0
	for _, pair := range pairs {
		if err := move(pair[0], pair[1], f.has('n'), f.has('u')); err != nil {
			status = p.Fail(err)
		}
	}
	return status
}

// move renames, and copies where the target is on another file system, as /tmp is.
func move(from, to string, noClobber, update bool) error {
	st, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if old, err := os.Lstat(to); err == nil && (noClobber || update && !st.ModTime().After(old.ModTime())) {
		return nil
	}
	err = os.Rename(from, to)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	if old, err := os.Lstat(to); err == nil && !old.IsDir() {
		if err := os.Remove(to); err != nil {
			return err
		}
	}
	if err := (copier{recursive: true, links: true, keep: true}).copy(from, to); err != nil {
		return err
	}
	return os.RemoveAll(from)
}
