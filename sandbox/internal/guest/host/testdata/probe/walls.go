//go:build linux

package main

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// walls are ways out that worked once, or elsewhere.
var walls = map[string]func() error{
	"setuid on the agent": func() error {
		_ = unix.Mount("", "/run/imgctl/agent", "", unix.MS_REMOUNT|unix.MS_BIND, "")
		err := os.Chmod("/run/imgctl/agent", os.ModeSetuid|os.ModeSetgid|0o777)
		_ = os.Chmod("/proc/1/exe", os.ModeSetuid|0o777)
		_ = os.Truncate("/proc/1/exe", 0)
		return errors.Join(err, unix.ENOTSUP) // the host's file tells
	},
	"setuid on the console's log": func() error {
		_ = os.Chmod("/proc/1/fd/1", os.ModeSetuid|0o777)
		return unix.ENOTSUP
	},
	"the host's network through a socket of pid 1": borrowSocket,
	"the host's keys": func() error {
		_, err := unix.KeyctlSearch(unix.KEY_SPEC_SESSION_KEYRING, "user", os.Getenv("HOST_KEY"), 0)
		return err
	},
	"a key of the host by its number": func() error {
		n, err := strconv.Atoi(os.Getenv("HOST_KEY_ID"))
		if err != nil {
			return err
		}
		_, err = unix.KeyctlString(unix.KEYCTL_DESCRIBE, n)
		return err
	},
	"control groups": func() error {
		_ = unix.Unshare(unix.CLONE_NEWCGROUP)
		if unix.Mount("cgroup2", "/mnt", "cgroup2", 0, "") == nil {
			return nil
		}
		return unix.Mount("cgroup", "/mnt", "cgroup", 0, "pids")
	},
	"control groups by clone": func() error {
		p, err := os.StartProcess("/proc/self/exe", []string{"probe", "nothing"},
			&os.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWCGROUP}})
		if err == nil {
			_, _ = p.Wait()
		}
		return err
	},
	"sysfs":              func() error { return unix.Mount("sysfs", "/mnt", "sysfs", 0, "") },
	"debugfs":            func() error { return unix.Mount("debugfs", "/mnt", "debugfs", 0, "") },
	"virtual sockets":    family(unix.AF_VSOCK),
	"crypto sockets":     family(unix.AF_ALG),
	"io_uring":           call(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&[120]byte{}))),
	"bpf":                call(unix.SYS_BPF, 0, uintptr(unsafe.Pointer(&[4]uint32{2, 4, 4, 1})), 16),
	"perf events":        call(unix.SYS_PERF_EVENT_OPEN, uintptr(unsafe.Pointer(&[16]uint64{1, 0})), 0, ^uintptr(0), ^uintptr(0), 0),
	"userfaultfd":        call(unix.SYS_USERFAULTFD, 1),
	"the kernel's log":   call(unix.SYS_SYSLOG, 10),
	"change a sysctl":    func() error { return os.WriteFile("/proc/sys/vm/swappiness", []byte("60"), 0) },
	"memory of the host": func() error { _, err := os.Open("/dev/mem"); return err },
	"kernel's memory":    func() error { _, err := os.Open("/proc/kcore"); return err },
	"tun device":         func() error { _, err := os.Open("/dev/net/tun"); return err },
	"loop device":        func() error { return unix.Mknod("/root/loop", unix.S_IFBLK|0o600, int(unix.Mkdev(7, 0))) },
	"mode of a device of the host": func() error {
		var st unix.Stat_t
		if err := unix.Stat("/dev/null", &st); err != nil {
			return err
		}
		return os.Chmod("/dev/null", os.FileMode(st.Mode&0o777))
	},
	"a host's process": func() error {
		n, err := strconv.Atoi(os.Getenv("HOST_PID"))
		if err != nil {
			return err
		}
		return unix.Kill(n, 0)
	},
	"core dumps": func() error {
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Max == 1 {
			return unix.EPERM
		}
		return nil
	},
	"core dumps again": func() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}) },
	"another clock":    func() error { return unix.ClockSettime(unix.CLOCK_REALTIME, &unix.Timespec{Sec: 1}) },
	"mount the host's files": func() error {
		if err := unix.Mount("/proc/1/root", "/mnt", "", unix.MS_BIND, ""); err != nil {
			return err
		}
		defer func() { _ = unix.Unmount("/mnt", 0) }()
		_, err := os.Stat("/mnt" + os.Getenv("HOST_FILE"))
		return err
	},
}

func family(f int) func() error {
	return func() error {
		fd, err := unix.Socket(f, unix.SOCK_STREAM, 0)
		if errors.Is(err, unix.ESOCKTNOSUPPORT) { // the family is there
			return nil
		}
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
}

func call(number uintptr, args ...uintptr) func() error {
	return func() error {
		args := append(args, 0, 0, 0, 0, 0, 0)
		_, _, errno := unix.Syscall6(number, args[0], args[1], args[2], args[3], args[4], args[5])
		if errno != 0 {
			return errno
		}
		return nil
	}
}

// borrowSocket takes the sockets of pid 1, which it got from the host, and connects them to one of the host's.
func borrowSocket() error {
	pidfd, err := unix.PidfdOpen(1, 0)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir("/proc/1/fd")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(os.Getenv("HOST_ADDRESS"))
	n, _ := strconv.Atoi(port)
	for _, e := range entries {
		number, _ := strconv.Atoi(e.Name())
		if target, _ := os.Readlink("/proc/1/fd/" + e.Name()); !strings.HasPrefix(target, "socket:") {
			continue
		}
		fd, err := unix.PidfdGetfd(pidfd, number, 0)
		if err != nil {
			continue
		}
		defer unix.Close(fd)
		disconnect := unix.RawSockaddrAny{}
		_, _, _ = unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&disconnect)), 16)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}}); err == nil {
			return nil
		}
	}
	return unix.ECONNREFUSED
}
