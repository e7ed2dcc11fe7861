//go:build !linux

package outbound

import (
	"context"
	"errors"
	"net"
)

var errAlone = errors.New("processes share no connections on this system")

func listen(string) (net.Listener, error) { return nil, errAlone }

func dial(context.Context, string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "unix", Err: errAlone}
}
