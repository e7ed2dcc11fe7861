//go:build linux && (amd64 || arm64)

package agent

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What the filter answers in place of the kernel.
const (
	allowed     = unix.SECCOMP_RET_ALLOW
	forbidden   = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	missing     = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	unsupported = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
)

// Where struct seccomp_data has what the filter reads; of arguments the lower half, which is all that the tested ones have.
const (
	offsetCall = 0
	offsetArch = 4
	offsetArgs = 16
)

// denied are system calls that reach beyond name spaces, or that have let people out of them before: keys belong to
// users, not to name spaces; files by handle need no path; the rest changes the machine itself.
var denied = append([]uint32{
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME,
	unix.SYS_SYSLOG, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_FANOTIFY_INIT,
}, deniedHere...)

// absent are calls that programs do without where they aren't there. io_uring passes by this filter, and the flags of
// clone3 are where it can't read them.
var absent = []uint32{unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_CLONE3}

// families are the address families that sockets may have: those whose reach is a network name space.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_PACKET}

// mountChanges undo a mount. They are forbidden where the guest's root is the host's, as mounts are all that keeps
// /proc/sys and the devices from it.
var mountChanges = []uint32{unix.SYS_UMOUNT2, unix.SYS_MOUNT_SETATTR, unix.SYS_MOVE_MOUNT, unix.SYS_PIVOT_ROOT}

// installFilter holds this process, all its threads and all that descends from it to the system calls of a machine
// in a name space.
func installFilter(hostRoot bool) error {
	program, err := filter(hostRoot)
	if err != nil {
		return fmt.Errorf("assembling the filter of system calls: %w", err)
	}
	raw := make([]unix.SockFilter, len(program))
	for i, r := range program {
		raw[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	f := unix.SockFprog{Len: uint16(len(raw)), Filter: &raw[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&f)))
	if errno != 0 {
		return os.NewSyscallError("installing the filter of system calls", errno)
	}
	return nil
}

func filter(hostRoot bool) ([]bpf.RawInstruction, error) {
	p := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch, SkipTrue: 1},
		bpf.RetConstant{Val: missing}, // another machine's calls, such as a 32-bit program's
		bpf.LoadAbsolute{Off: offsetCall, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 0x40000000, SkipTrue: 1},
		bpf.RetConstant{Val: missing}, // x32's
	}
	answer := func(value uint32, calls ...uint32) {
		for _, c := range calls {
			p = append(p, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c, SkipTrue: 1}, bpf.RetConstant{Val: value})
		}
	}
	// flags answers a call whose argument has one of the bits.
	flags := func(value, call, argument, bits uint32) {
		p = append(p,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: call, SkipTrue: 4},
			bpf.LoadAbsolute{Off: offsetArgs + 8*argument, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: bits, SkipTrue: 1},
			bpf.RetConstant{Val: value},
			bpf.LoadAbsolute{Off: offsetCall, Size: 4},
		)
	}
	answer(forbidden, denied...)
	answer(missing, absent...)
	for _, call := range []uint32{unix.SYS_CLONE, unix.SYS_UNSHARE} {
		flags(forbidden, call, 0, unix.CLONE_NEWCGROUP) // in which the sandbox's own control group could be mounted
	}
	if hostRoot {
		answer(forbidden, mountChanges...)
		flags(forbidden, unix.SYS_MOUNT, 3, unix.MS_REMOUNT|unix.MS_MOVE)
	}
	p = append(p,
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_SOCKET, SkipTrue: uint8(2*len(families) + 2)},
		bpf.LoadAbsolute{Off: offsetArgs, Size: 4},
	)
	for _, f := range families {
		p = append(p, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: f, SkipTrue: 1}, bpf.RetConstant{Val: allowed})
	}
	p = append(p, bpf.RetConstant{Val: unsupported}, bpf.RetConstant{Val: allowed})
	return bpf.Assemble(p)
}
