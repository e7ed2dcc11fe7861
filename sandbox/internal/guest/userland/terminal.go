//go:build linux

package userland

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// IsTerminal tells whether a file is a terminal.
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func tty(p *Proc) int {
	f, ok := p.In.(*os.File)
	if !ok || !IsTerminal(f) {
		fmt.Fprintln(p.Out, "not a tty")
		return 1
	}
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return p.Fail(err)
	}
	fmt.Fprintln(p.Out, name)
	return 0
}
