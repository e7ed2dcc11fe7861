//go:build linux

package userland

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func init() { register(map[string]Command{"ls": ls, "stat": stat, "du": du, "df": df}) }

// listed is a file in a listing.
type listed struct {
	name, path string
	info       fs.FileInfo
}

func ls(p *Proc) int {
	f, names, ok := p.options("laA1dRhtrniFpSCc", "all=a", "almost-all=A", "directory=d", "recursive=R", "human-readable=h", "reverse=r",
		"color=c", "full-time=l")
	if !ok {
		return 2
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	status := 0
	var files, dirs []listed
	for _, name := range names {
		stat := os.Stat
		if f.has('l') || f.has('d') {
			stat = os.Lstat
		}
		st, err := stat(p.Path(name))
		if err != nil {
			if st, err = os.Lstat(p.Path(name)); err != nil {
				fmt.Fprintf(p.Err, "ls: cannot access '%s': %s\n", name, Reason(err))
				status = 2
				continue
			}
		}
		if l := (listed{name, p.Path(name), st}); st.IsDir() && !f.has('d') {
			dirs = append(dirs, l)
		} else {
			files = append(files, l)
		}
	}
	order(files, f)
	p.list(files, f)
	order(dirs, f)
	for i, d := range dirs {
		if len(names) > 1 || f.has('R') {
			if i > 0 || len(files) > 0 {
				fmt.Fprintln(p.Out)
			}
			fmt.Fprintf(p.Out, "%s:\n", d.name)
		}
		if err := p.listDir(d, f); err != nil {
			status = p.Fail(err) + 1
		}
	}
	return status
}

func order(files []listed, f flags) {
	slices.SortFunc(files, func(a, b listed) int {
		switch {
		case f.has('t'):
			return cmp.Or(b.info.ModTime().Compare(a.info.ModTime()), cmp.Compare(a.name, b.name))
		case f.has('S'):
			return cmp.Or(cmp.Compare(b.info.Size(), a.info.Size()), cmp.Compare(a.name, b.name))
		}
		return cmp.Compare(a.name, b.name)
	})
	if f.has('r') {
		slices.Reverse(files)
	}
}

func (p *Proc) listDir(d listed, f flags) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	var files []listed
	if f.has('a') {
		for _, name := range []string{".", ".."} {
			if st, err := os.Lstat(filepath.Join(d.path, name)); err == nil {
				files = append(files, listed{name, filepath.Join(d.path, name), st})
			}
		}
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && !f.has('a') && !f.has('A') {
			continue
		}
		if st, err := e.Info(); err == nil {
			files = append(files, listed{e.Name(), filepath.Join(d.path, e.Name()), st})
		}
	}
	order(files, f)
	if f.has('l') {
		var blocks int64
		for _, l := range files {
			blocks += l.info.Sys().(*syscall.Stat_t).Blocks / 2
		}
		fmt.Fprintf(p.Out, "total %d\n", blocks)
	}
	p.list(files, f)
	if f.has('R') {
		for _, l := range files {
			if l.info.IsDir() && l.name != "." && l.name != ".." {
				sub := listed{strings.TrimSuffix(d.name, "/") + "/" + l.name, l.path, l.info}
				fmt.Fprintf(p.Out, "\n%s:\n", sub.name)
				if err := p.listDir(sub, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *Proc) list(files []listed, f flags) {
	rows := make([][]string, len(files))
	widths := make([]int, 4)
	for i, l := range files {
		st := l.info.Sys().(*syscall.Stat_t)
		user, group := UserName(int(st.Uid)), groupName(int(st.Gid))
		if f.has('n') {
			user, group = strconv.Itoa(int(st.Uid)), strconv.Itoa(int(st.Gid))
		}
		size := strconv.FormatInt(l.info.Size(), 10)
		if f.has('h') {
			size = human(l.info.Size())
		}
		rows[i] = []string{strconv.FormatUint(uint64(st.Nlink), 10), user, group, size}
		for j, c := range rows[i] {
			widths[j] = max(widths[j], len(c))
		}
	}
	for i, l := range files {
		name := l.name
		if f.has('F') || f.has('p') && l.info.IsDir() {
			name += suffix(l.info.Mode())
		}
		if f.has('i') {
			name = fmt.Sprintf("%d %s", l.info.Sys().(*syscall.Stat_t).Ino, name)
		}
		if !f.has('l') && !f.has('n') {
			fmt.Fprintln(p.Out, name)
			continue
		}
		if target, err := os.Readlink(l.path); err == nil {
			name += " -> " + target
		}
		r := rows[i]
		fmt.Fprintf(p.Out, "%s %*s %-*s %-*s %*s %s %s\n", modeText(l.info.Mode()), widths[0], r[0], widths[1], r[1], widths[2], r[2],
			widths[3], r[3], when(l.info.ModTime()), name)
	}
}

func suffix(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "/"
	case m&fs.ModeSymlink != 0:
		return "@"
	case m&fs.ModeNamedPipe != 0:
		return "|"
	case m&0o111 != 0:
		return "*"
	}
	return ""
}

func when(t time.Time) string {
	if age := time.Since(t); age > 180*24*time.Hour || age < -time.Hour {
		return t.Format("Jan _2  2006")
	}
	return t.Format("Jan _2 15:04")
}

// modeText is ls's ten characters.
func modeText(m fs.FileMode) string {
	kind := "-"
	switch {
	case m.IsDir():
		kind = "d"
	case m&fs.ModeSymlink != 0:
		kind = "l"
	case m&fs.ModeNamedPipe != 0:
		kind = "p"
	case m&fs.ModeSocket != 0:
		kind = "s"
	case m&fs.ModeCharDevice != 0:
		kind = "c"
	case m&fs.ModeDevice != 0:
		kind = "b"
	}
	b := []byte(kind + m.Perm().String()[1:])
	for _, s := range []struct {
		bit   fs.FileMode
		at    int
		lower byte
	}{{fs.ModeSetuid, 3, 's'}, {fs.ModeSetgid, 6, 's'}, {fs.ModeSticky, 9, 't'}} {
		if m&s.bit != 0 {
			c := s.lower
			if b[s.at] == '-' {
				c -= 'a' - 'A'
			}
			b[s.at] = c
		}
	}
	return string(b)
}
