//go:build linux

package userland

import (
	"os"
	"path/filepath"
)

func install(p *Proc) int {
	f, names, ok := p.options("dDm:o:g:t:vpcCsT", "directory=d", "mode=m", "owner=o", "group=g", "target-directory=t",
		"no-target-directory=T")
	if !ok {
		return 1
	}
	finish := func(path string) error {
		if err := chmodPath(path, f.value('m', "755")); err != nil {
			return err
		}
		uid, gid, err := owner(f.value('o', "") + ":" + f.value('g', ""))
		if err != nil {
			return err
		}
		return lchown(path, uid, gid)
	}
	if f.has('d') {
		for _, name := range names {
			err := os.MkdirAll(p.Path(name), 0o755)
			if err == nil {
				err = finish(p.Path(name))
			}
			if err != nil {
				return p.Fail(err)
			}
		}
		return 0
	}
	pairs, err := p.targets(names, f.value('t', ""), f.has('T'))
	if err != nil {
		return p.Fail(err)
	}
	for _, pair := range pairs {
		if f.has('D') {
			if err := os.MkdirAll(filepath.Dir(pair[1]), 0o755); err != nil {
				return p.Fail(err)
			}
		}
		_ = os.Remove(pair[1])
		err := copier{keep: f.has('p')}.copy(pair[0], pair[1])
		if err == nil {
			err = finish(pair[1])
		}
		if err != nil {
			return p.Fail(err)
		}
	}
	return 0
}
