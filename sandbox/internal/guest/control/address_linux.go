package control

import (
	"fmt"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetIPv6 adds an IPv6 address to the loopback interface, or removes it (SIOCSIFADDR, SIOCDIFADDR).
func SetIPv6(request uintptr, ip netip.Addr) error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return fmt.Errorf("changing the address %s: %w", ip, err)
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("changing the address %s: %w", ip, err)
	}
	defer unix.Close(fd)
	q := struct { // struct in6_ifreq
		address [16]byte
		bits    uint32
		index   int32
	}{ip.As16(), 128, int32(lo.Index)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&q))); errno != 0 {
		return fmt.Errorf("changing the address %s: %w", ip, errno)
	}
	return nil
}
