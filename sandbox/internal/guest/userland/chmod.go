//go:build linux

package userland

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func init() { register(map[string]Command{"chmod": chmod, "chown": chown, "chgrp": chgrp}) }

func chmod(p *Proc) int {
	var args []string
	recursive, quiet, reference := false, false, ""
	for _, a := range p.Args { // by hand: a mode may look like an option
		switch {
		case a == "-R" || a == "--recursive":
			recursive = true
		case a == "-f" || a == "-v" || a == "-c" || a == "--":
			quiet = quiet || a == "-f"
		case strings.HasPrefix(a, "--reference="):
			reference = strings.TrimPrefix(a, "--reference=")
		default:
			args = append(args, a)
		}
	}
	mode := ""
	if reference != "" {
		st, err := os.Stat(p.Path(reference))
		if err != nil {
			return p.Fail(err)
		}
		mode = strconv.FormatUint(uint64(st.Mode().Perm()), 8)
	} else if len(args) > 0 {
		mode, args = args[0], args[1:]
	}
	if len(args) == 0 {
		return p.failf("missing operand")
	}
	status := 0
	for _, name := range args {
		err := walk(p.Path(name), recursive, func(path string, link bool) error {
			if link {
				return nil
			}
			return chmodPath(path, mode)
		})
		if err != nil {
			status = 1
			if !quiet {
				status = p.Fail(err)
			}
		}
	}
	return status
}

// walk visits path and, if recursive, all that is below it; link tells a symbolic link below it.
func walk(path string, recursive bool, visit func(path string, link bool) error) error {
	if !recursive {
		return visit(path, false)
	}
	return filepath.WalkDir(path, func(sub string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return visit(sub, d.Type()&fs.ModeSymlink != 0)
	})
}

func chmodPath(path, mode string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return &fs.PathError{Op: "chmod", Path: path, Err: err}
	}
	m, err := newMode(mode, st.Mode&0o7777, st.Mode&unix.S_IFMT == unix.S_IFDIR)
	if err != nil {
		return err
	}
	if err := unix.Chmod(path, m); err != nil {
		return &fs.PathError{Op: "chmod", Path: path, Err: err}
	}
	return nil
}

// newMode applies chmod's mode, octal or symbolic, to an old one.
func newMode(mode string, old uint32, dir bool) (uint32, error) {
	if n, err := strconv.ParseUint(mode, 8, 32); err == nil {
		return uint32(n) & 0o7777, nil
	}
	for clause := range strings.SplitSeq(mode, ",") {
		i := strings.IndexAny(clause, "+-=")
		if i < 0 {
			return 0, fmt.Errorf("invalid mode: '%s'", mode)
		}
		who := clause[:i]
		masked := who == ""
		if masked || strings.Contains(who, "a") {
			who = "ugo"
		}
		for rest := clause[i:]; rest != ""; {
			op := rest[0]
			end := strings.IndexAny(rest[1:], "+-=") + 1
			if end == 0 {
				end = len(rest)
			}
			perms := rest[1:end]
			rest = rest[end:]
			bits, err := modeBits(perms, who, old, dir)
			if err != nil {
				return 0, fmt.Errorf("invalid mode: '%s'", mode)
			}
			if masked {
				mask := syscall.Umask(0)
				syscall.Umask(mask)
				bits &^= uint32(mask)
			}
			switch op {
			case '+':
				old |= bits
			case '-':
				old &^= bits
			case '=':
				old = old&^whoMask(who) | bits
			}
		}
	}
	return old, nil
}

func whoMask(who string) uint32 {
	var m uint32
	for _, w := range who {
		switch w {
		case 'u':
			m |= 0o4700
		case 'g':
			m |= 0o2070
		case 'o':
			m |= 0o007
		}
	}
	return m
}

func modeBits(perms, who string, old uint32, dir bool) (uint32, error) {
	var rwx, special uint32
	for _, c := range perms {
		switch c {
		case 'r':
			rwx |= 4
		case 'w':
			rwx |= 2
		case 'x':
			rwx |= 1
		case 'X':
			if dir || old&0o111 != 0 {
				rwx |= 1
			}
		case 's':
			special |= 0o6000
		case 't':
			special |= 0o1000
		case 'u':
			rwx |= old >> 6 & 7
		case 'g':
			rwx |= old >> 3 & 7
		case 'o':
			rwx |= old & 7
		default:
			return 0, errors.New("invalid")
		}
	}
	return (rwx<<6|rwx<<3|rwx|special&0o6000)&whoMask(who) | special&0o1000, nil
}
