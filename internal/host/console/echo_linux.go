package console

import "golang.org/x/sys/unix"

// echoOff has the terminal no longer show what is typed; if that fails, it is still off while a secret is read.
func echoOff(fd int) {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return
	}
	t.Lflag &^= unix.ECHO
	_ = unix.IoctlSetTermios(fd, unix.TCSETS, t)
}
