//go:build linux

package userland

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// owner parses USER[:GROUP]; -1 stands for what is to stay.
func owner(s string) (uid, gid int, err error) {
	uid, gid = -1, -1
	name, group, hasGroup := strings.Cut(s, ":")
	if !hasGroup {
		if i := strings.LastIndex(s, "."); i > 0 {
			if _, ok := UserByName(s); !ok {
				name, group = s[:i], s[i+1:]
			}
		}
	}
	if name != "" {
		if u, ok := UserByName(name); ok {
			uid = u.UID
			if hasGroup && group == "" {
				gid = u.GID
			}
		} else if uid, err = strconv.Atoi(name); err != nil {
			return 0, 0, fmt.Errorf("invalid user: '%s'", s)
		}
	}
	if group != "" {
		g, ok := groupID(group)
		if !ok {
			return 0, 0, fmt.Errorf("invalid group: '%s'", s)
		}
		gid = g
	}
	return uid, gid, nil
}

// lchown changes the owner. Where the guest has but one user id every file is root's, and stays so.
func lchown(path string, uid, gid int) error {
	err := os.Lchown(path, uid, gid)
	if errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

func chown(p *Proc) int { return changeOwner(p, owner) }

func chgrp(p *Proc) int {
	return changeOwner(p, func(s string) (int, int, error) { return owner(":" + s) })
}

func changeOwner(p *Proc, parse func(string) (int, int, error)) int {
	f, args, ok := p.options("RhHLPfvc", "recursive=R", "no-dereference=h")
	if !ok {
		return 1
	}
	if len(args) < 2 {
		return p.failf("missing operand")
	}
	uid, gid, err := parse(args[0])
	if err != nil {
		return p.Fail(err)
	}
	status := 0
	for _, name := range args[1:] {
		err := walk(p.Path(name), f.has('R'), func(path string, link bool) error {
			if !link && !f.has('h') && !f.has('R') {
				target, err := filepath.EvalSymlinks(path)
				if err != nil {
					return err
				}
				path = target
			}
			return lchown(path, uid, gid)
		})
		if err != nil {
			status = p.Fail(err)
		}
	}
	return status
}
