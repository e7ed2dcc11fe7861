package outbound

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// errStranger is somebody else's process at the socket.
var errStranger = errors.New("the process at the other end is another user's")

// listen takes the socket, of which there is one at a time; it is gone with its process. It has no
// file that could be left behind.
func listen(name string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", "@imgctl-"+name)
	if err != nil {
		return nil, err
	}
	return sameUser{l}, nil
}

func dial(ctx context.Context, name string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", "@imgctl-"+name)
	if err != nil {
		return nil, err
	}
	if !ours(c) {
		c.Close()
		return nil, &net.OpError{Op: "dial", Net: "unix", Err: errStranger}
	}
	return c, nil
}

// sameUser accepts connections of the user's own processes.
type sameUser struct{ net.Listener }

func (l sameUser) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || ours(c) {
			return c, err
		}
		c.Close()
	}
}

func ours(c net.Conn) bool {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	var cred *syscall.Ucred
	if e := raw.Control(func(fd uintptr) {
		cred, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); e != nil || err != nil {
		return false
	}
	return int(cred.Uid) == os.Geteuid()
}
