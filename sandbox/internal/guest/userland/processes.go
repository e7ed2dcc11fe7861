//go:build linux

package userland

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func ps(p *Proc) int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	slices.SortFunc(dirs, func(a, b string) int { return number(filepath.Base(a)) - number(filepath.Base(b)) })
	fmt.Fprintln(p.Out, "  PID USER     COMMAND")
	for _, dir := range dirs {
		st, err := os.Stat(dir)
		if err != nil {
			continue
		}
		b, _ := os.ReadFile(dir + "/cmdline")
		line := strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
		if line == "" {
			comm, _ := os.ReadFile(dir + "/comm")
			line = "[" + strings.TrimSpace(string(comm)) + "]"
		}
		fmt.Fprintf(p.Out, "%5s %-8s %s\n", filepath.Base(dir), UserName(int(st.Sys().(*syscall.Stat_t).Uid)), line)
	}
	return 0
}
