package launch

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// leftover is the age from which a folder that nobody listens in is certainly a leftover.
const leftover = time.Hour

// mostSwept bounds how long a start is held up by what others have left.
const mostSwept = 200

// sweep removes the folders that killed hosts have left.
func sweep(folder string) {
	all, err := filepath.Glob(filepath.Join(folder, "plugin-dir*"))
	if err != nil {
		return
	}
	looked := 0
	for _, path := range all {
		if looked == mostSwept {
			return
		}
		if info, err := os.Lstat(path); err != nil || !info.IsDir() || time.Since(info.ModTime()) <= leftover {
			continue
		}
		looked++
		if !listening(path) {
			_ = os.RemoveAll(path)
		}
	}
}

// listening reports whether a plugin may still use a socket in the folder.
func listening(folder string) bool {
	files, err := os.ReadDir(folder)
	if err != nil {
		return true
	}
	for _, f := range files {
		if f.Type() != os.ModeSocket {
			continue
		}
		// A datagram can't be sent to a plugin's stream socket: the plugin isn't disturbed, and the error
		// tells whether anybody holds the socket.
		c, err := new(net.Dialer).DialContext(context.Background(), "unixgram", filepath.Join(folder, f.Name()))
		if err == nil {
			_ = c.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return true
		}
	}
	return false
}
