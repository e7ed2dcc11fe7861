//go:build linux

package shell

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

	"golang.org/x/sys/unix"
)

func init() { register(map[string]command{"ls": ls, "stat": stat, "du": du, "df": df}) }

// listed is a file in a listing.
type listed struct {
	name, path string
	info       fs.FileInfo
}

func ls(p *proc) int {
	f, names, ok := p.options("laA1dRhtrniFpSCc", "all=a", "almost-all=A", "directory=d", "recursive=R", "human-readable=h", "reverse=r", "color=c", "full-time=l")
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
		st, err := stat(p.path(name))
		if err != nil {
			if st, err = os.Lstat(p.path(name)); err != nil {
				fmt.Fprintf(p.err, "ls: cannot access '%s': %s\n", name, capital(cause(err)))
				status = 2
				continue
			}
		}
		if l := (listed{name, p.path(name), st}); st.IsDir() && !f.has('d') {
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
				fmt.Fprintln(p.out)
			}
			fmt.Fprintf(p.out, "%s:\n", d.name)
		}
		if err := p.listDir(d, f); err != nil {
			status = p.fail(err) + 1
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

func (p *proc) listDir(d listed, f flags) error {
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
		fmt.Fprintf(p.out, "total %d\n", blocks)
	}
	p.list(files, f)
	if f.has('R') {
		for _, l := range files {
			if l.info.IsDir() && l.name != "." && l.name != ".." {
				sub := listed{strings.TrimSuffix(d.name, "/") + "/" + l.name, l.path, l.info}
				fmt.Fprintf(p.out, "\n%s:\n", sub.name)
				if err := p.listDir(sub, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *proc) list(files []listed, f flags) {
	rows := make([][]string, len(files))
	widths := make([]int, 4)
	for i, l := range files {
		st := l.info.Sys().(*syscall.Stat_t)
		user, group := userName(int(st.Uid)), groupName(int(st.Gid))
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
			fmt.Fprintln(p.out, name)
			continue
		}
		if target, err := os.Readlink(l.path); err == nil {
			name += " -> " + target
		}
		r := rows[i]
		fmt.Fprintf(p.out, "%s %*s %-*s %-*s %*s %s %s\n", modeText(l.info.Mode()), widths[0], r[0], widths[1], r[1], widths[2], r[2], widths[3], r[3], when(l.info.ModTime()), name)
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

func human(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10)
	}
	v, unit := float64(n), -1
	for v >= 1024 && unit < 5 {
		v /= 1024
		unit++
	}
	if v < 10 {
		return fmt.Sprintf("%.1f%c", v, "KMGTPE"[unit])
	}
	return fmt.Sprintf("%.0f%c", v, "KMGTPE"[unit])
}

func stat(p *proc) int {
	f, names, ok := p.options("Lfc:t", "format=c", "printf=c", "dereference=L")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		st, err := os.Lstat(p.path(name))
		if f.has('L') {
			st, err = os.Stat(p.path(name))
		}
		if err != nil {
			fmt.Fprintf(p.err, "stat: cannot stat '%s': %s\n", name, capital(cause(err)))
			status = 1
			continue
		}
		format := f.value('c', "  File: %n\n  Size: %s\tBlocks: %b\t%F\nAccess: (%a/%A)  Uid: (%u/%U)   Gid: (%g/%G)\nModify: %y")
		fmt.Fprintln(p.out, statFormat(format, name, st))
	}
	return status
}

func statFormat(format, name string, info fs.FileInfo) string {
	st := info.Sys().(*syscall.Stat_t)
	values := map[byte]string{
		'n': name, 's': strconv.FormatInt(info.Size(), 10), 'b': strconv.FormatInt(st.Blocks, 10), 'B': "512",
		'a': strconv.FormatUint(uint64(st.Mode&0o7777), 8), 'A': modeText(info.Mode()), 'f': strconv.FormatUint(uint64(st.Mode), 16),
		'u': strconv.Itoa(int(st.Uid)), 'U': userName(int(st.Uid)), 'g': strconv.Itoa(int(st.Gid)), 'G': groupName(int(st.Gid)),
		'h': strconv.FormatUint(uint64(st.Nlink), 10), 'i': strconv.FormatUint(st.Ino, 10), 'd': strconv.FormatUint(uint64(st.Dev), 10),
		'Y': strconv.FormatInt(info.ModTime().Unix(), 10), 'y': info.ModTime().Format("2006-01-02 15:04:05.000000000 -0700"),
		'X': strconv.FormatInt(st.Atim.Sec, 10), 'Z': strconv.FormatInt(st.Ctim.Sec, 10), 'F': kindText(info), '%': "%",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] == '%' && i+1 < len(format) {
			i++
			b.WriteString(values[format[i]])
		} else {
			b.WriteByte(format[i])
		}
	}
	return b.String()
}

func kindText(info fs.FileInfo) string {
	switch m := info.Mode(); {
	case m.IsDir():
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "character special file"
	case info.Size() == 0:
		return "regular empty file"
	}
	return "regular file"
}

func du(p *proc) int {
	f, names, ok := p.options("shkmbacxd:", "summarize=s", "human-readable=h", "bytes=b", "max-depth=d", "apparent-size=b")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	depth := number(f.value('d', "1000"))
	if f.has('s') {
		depth = 0
	}
	show := func(n int64, name string) {
		switch {
		case f.has('b'):
			fmt.Fprintf(p.out, "%d\t%s\n", n, name)
		case f.has('h'):
			fmt.Fprintf(p.out, "%s\t%s\n", human(n), name)
		case f.has('m'):
			fmt.Fprintf(p.out, "%d\t%s\n", (n+1<<20-1)>>20, name)
		default:
			fmt.Fprintf(p.out, "%d\t%s\n", (n+1023)/1024, name)
		}
	}
	status := 0
	var size func(name string, level int) int64
	size = func(name string, level int) int64 {
		st, err := os.Lstat(p.path(name))
		if err != nil {
			status = p.fail(err)
			return 0
		}
		n := st.Sys().(*syscall.Stat_t).Blocks * 512
		if f.has('b') {
			n = st.Size()
		}
		if st.IsDir() {
			entries, err := os.ReadDir(p.path(name))
			if err != nil {
				status = p.fail(err)
			}
			for _, e := range entries {
				n += size(filepath.Join(name, e.Name()), level+1)
			}
		}
		if level == 0 || level <= depth && (st.IsDir() || f.has('a')) {
			show(n, name)
		}
		return n
	}
	for _, name := range names {
		size(name, 0)
	}
	return status
}

func df(p *proc) int {
	f, names, ok := p.options("hkmPTialt:x:B:", "human-readable=h", "portability=P", "print-type=T", "output=O")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		names = []string{"/"}
	}
	fmt.Fprintln(p.out, "Filesystem     1K-blocks     Used Available Use% Mounted on")
	for _, name := range names {
		var st unix.Statfs_t
		if err := unix.Statfs(p.path(name), &st); err != nil {
			return p.fail(&fs.PathError{Path: name, Err: err})
		}
		unit := func(blocks uint64) string {
			n := int64(blocks) * st.Bsize
			if f.has('h') {
				return human(n)
			}
			return strconv.FormatInt(n/1024, 10)
		}
		used := st.Blocks - st.Bfree
		use := uint64(0)
		if used+st.Bavail > 0 {
			use = (used*100 + used + st.Bavail - 1) / (used + st.Bavail)
		}
		fmt.Fprintf(p.out, "/dev/vda       %9s %8s %9s %3d%% /\n", unit(st.Blocks), unit(used), unit(st.Bavail), use)
	}
	return 0
}
