//go:build linux

package agent

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// network brings up the loopback interface of the guest's own network name space, with the metadata service's
// address and the guest's own, and serves the metadata.
func (a *agent) network() error {
	if err := linkUp("lo"); err != nil {
		return err
	}
	for i, address := range append([]string{metadataAddress}, a.cfg.Addresses...) {
		ip, err := netip.ParseAddr(address)
		switch {
		case err != nil:
			continue
		case ip.Is4():
			err = addAddress(fmt.Sprintf("lo:%d", i), ip)
		default:
			err = control.SetIPv6(unix.SIOCSIFADDR, ip)
		}
		if err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp4", metadataAddress+":80")
	if err != nil {
		return fmt.Errorf("serving metadata: %w", err)
	}
	go func() { _ = http.Serve(l, metadata(a.cfg.Documents)) }()
	return nil
}

func linkUp(name string) error {
	return configure(name, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP); return nil })
}

func addAddress(name string, ip netip.Addr) error {
	return configure(name, unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(ip.AsSlice()) })
}

func configure(name string, request uint, set func(*unix.Ifreq) error) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("configuring interface %q: %w", name, err)
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(name)
	if err == nil {
		err = set(r)
	}
	if err == nil {
		err = unix.IoctlIfreq(fd, request, r)
	}
	if err != nil {
		return fmt.Errorf("configuring interface %q: %w", name, err)
	}
	return nil
}
