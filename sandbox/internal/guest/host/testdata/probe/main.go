//go:build linux

// Command probe tries, as a guest's root, what would reach the host. It prints each thing that worked.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "reboot" {
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
		return
	}
	if len(os.Args) > 1 {
		return
	}
	write := func(path string) func() error {
		return func() error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			b, err := os.ReadFile(path)
			if err != nil {
				b = []byte("h")
			}
			_, err = f.Write(b)
			return err
		}
	}
	for what, try := range map[string]func() error{
		"block device":     func() error { return unix.Mknod("/root/disk", unix.S_IFBLK|0o600, int(unix.Mkdev(254, 0))) },
		"character device": func() error { return unix.Mknod("/root/mem", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 1))) },
		"mount a disk":     func() error { return unix.Mount("/dev/vda", "/mnt", "ext4", 0, "") },
		"sysrq":            write("/proc/sysrq-trigger"),
		"core pattern":     write("/proc/sys/kernel/core_pattern"),
		"set the clock": func() error {
			var now unix.Timeval
			if err := unix.Gettimeofday(&now); err != nil {
				return err
			}
			return unix.Settimeofday(&now)
		},
		"load a module":       func() error { return unix.FinitModule(0, "", 0) },
		"join the host's net": func() error { return join("/proc/1/ns/net", os.Getenv("HOST_NET")) },
		"abstract socket": func() error {
			c, err := net.DialTimeout("unix", "@"+os.Getenv("HOST_SOCKET"), time.Second)
			if err == nil {
				c.Close()
			}
			return err
		},
		"host file":               func() error { _, err := os.Stat(os.Getenv("HOST_FILE")); return err },
		"host file through pid 1": func() error { _, err := os.Stat("/proc/1/root" + os.Getenv("HOST_FILE")); return err },
		"host file through the working folder": func() error {
			_, err := os.Stat("/proc/1/cwd/../../../../../.." + os.Getenv("HOST_FILE"))
			return err
		},
		"change the agent":    write("/run/imgctl/agent"),
		"another user's id":   func() error { return unix.Setresuid(70000, 70000, 70000) },
		"raise a hard limit":  func() error { return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 21}) },
		"open file by handle": openByHandle,
	} {
		if err := try(); err == nil {
			fmt.Println(what)
		}
	}
	for what, try := range walls {
		if err := try(); err == nil {
			fmt.Println(what)
		}
	}
	for _, fd := range openFiles() {
		fmt.Println("inherited", fd)
	}
}

// join enters a name space that isn't the guest's own.
func join(path, foreign string) error {
	link, err := os.Readlink(path)
	if err != nil {
		return err
	}
	if link != foreign {
		return fmt.Errorf("own")
	}
	return nil
}

func openByHandle() error {
	h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "/", 0)
	if err != nil {
		return err
	}
	root, err := unix.Open("/", unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	_, err = unix.OpenByHandleAt(root, h, unix.O_RDONLY)
	return err
}

// openFiles are the files that this process was born with, besides the standard ones.
func openFiles() []string {
	entries, _ := os.ReadDir("/proc/self/fd")
	var out []string
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || e.Name() == "0" || e.Name() == "1" || e.Name() == "2" || strings.HasPrefix(target, "anon_inode:") ||
			strings.HasPrefix(target, "/proc/") {
			continue
		}
		out = append(out, e.Name()+" "+target)
	}
	return out
}
