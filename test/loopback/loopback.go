// Package loopback gives tests ports.
package loopback

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
)

// Reserve binds an address on loopback, HOST:PORT with 0 for any port, and gives it with its port. Until it is freed, the
// system gives the port to nobody who asks for a free one, while who asks for this one may listen there. Until then, it refuses
// connections. A port that was only found free could be somebody else's by then.
func Reserve(address string) (reserved string, free func(), err error) {
	want, err := netip.ParseAddrPort(address)
	if err != nil {
		return "", nil, err
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return "", nil, os.NewSyscallError("socket", err)
	}
	free = func() { _ = syscall.Close(fd) }
	if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: want.Addr().As4(), Port: int(want.Port())})
	}
	var bound syscall.Sockaddr
	if err == nil {
		bound, err = syscall.Getsockname(fd)
	}
	if err != nil {
		free()
		return "", nil, fmt.Errorf("binding %s: %w", address, err)
	}
	port := bound.(*syscall.SockaddrInet4).Port //nolint:forcetypeassert // as it was bound
	return net.JoinHostPort(want.Addr().String(), strconv.Itoa(port)), free, nil
}
