//go:build linux

package userland

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

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

func du(p *Proc) int {
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
			fmt.Fprintf(p.Out, "%d\t%s\n", n, name)
		case f.has('h'):
			fmt.Fprintf(p.Out, "%s\t%s\n", human(n), name)
		case f.has('m'):
			fmt.Fprintf(p.Out, "%d\t%s\n", (n+1<<20-1)>>20, name)
		default:
			fmt.Fprintf(p.Out, "%d\t%s\n", (n+1023)/1024, name)
		}
	}
	status := 0
	var size func(name string, level int) int64
	size = func(name string, level int) int64 {
		st, err := os.Lstat(p.Path(name))
		if err != nil {
			status = p.Fail(err)
			return 0
		}
		n := st.Sys().(*syscall.Stat_t).Blocks * 512
		if f.has('b') {
			n = st.Size()
		}
		if st.IsDir() {
			entries, err := os.ReadDir(p.Path(name))
			if err != nil {
				status = p.Fail(err)
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

func df(p *Proc) int {
	f, names, ok := p.options("hkmPTialt:x:B:", "human-readable=h", "portability=P", "print-type=T", "output=O")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		names = []string{"/"}
	}
	fmt.Fprintln(p.Out, "Filesystem     1K-blocks     Used Available Use% Mounted on")
	for _, name := range names {
		var st unix.Statfs_t
		if err := unix.Statfs(p.Path(name), &st); err != nil {
			return p.Fail(&fs.PathError{Path: name, Err: err})
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
		fmt.Fprintf(p.Out, "/dev/vda       %9s %8s %9s %3d%% /\n", unit(st.Blocks), unit(used), unit(st.Bavail), use)
	}
	return 0
}
