package program

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolated marks a process that is already in a namespace of its own.
const isolated = "IMGCTL_SANDBOX_ISOLATED"

// isolate runs this program again in a user and network namespace of its own, where it may bind any
// port of loopback. The user stays the same there.
func (p program) isolate(port int) error {
	if os.Getenv(isolated) != "" {
		return fmt.Errorf("binding port %d for the servers' SSH: not permitted, even in a namespace of its own; %s", port, remedy())
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program's path: %w", err)
	}
	fmt.Fprintf(os.Stderr, "%s: port %d is not permitted to this user, so the sandbox and the command run in a network namespace of "+
		"their own, with only a loopback interface\n", p.name, port)
	cmd := exec.Command(self, os.Args[1:]...) // #nosec G204 G702 -- this program itself
	cmd.Env = append(os.Environ(), isolated+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE},
	}
	err = supervise(cmd)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("entering a network namespace: %w; %s", err, remedy())
	}
	return err
}

// dieWithParent has the kernel stop a command when this process is killed.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGTERM }

// loopbackUp brings up the loopback interface of a namespace made by isolate; elsewhere it does nothing.
func loopbackUp() error {
	if os.Getenv(isolated) == "" {
		return nil
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return fmt.Errorf("finding the loopback interface: %w", err)
	}
	if lo.Flags&net.FlagUp != 0 {
		return nil
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bringing up the loopback interface: %w", err)
	}
	defer unix.Close(s)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("bringing up the loopback interface: %w", err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bringing up the loopback interface: %w; %s", err, remedy())
	}
	return nil
}

// remedy says what to enable, depending on the kernel's settings.
func remedy() string {
	advice := []string{"use --ssh-port 2222", "or allow the port with: sysctl -w net.ipv4.ip_unprivileged_port_start=22"}
	for _, s := range []struct{ key, bad, good string }{
		{"user.max_user_namespaces", "0", "10000"},
		{"user.max_net_namespaces", "0", "10000"},
		{"kernel.unprivileged_userns_clone", "0", "1"},
		{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"},
	} {
		value, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(s.key, ".", "/"))
		if err == nil && strings.TrimSpace(string(value)) == s.bad {
			advice = append(advice, fmt.Sprintf("or allow namespaces with: sysctl -w %s=%s", s.key, s.good))
		}
	}
	return strings.Join(advice, ", ")
}
