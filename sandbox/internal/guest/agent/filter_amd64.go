//go:build linux

package agent

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_X86_64

// deniedHere are the denied calls that only this machine has.
var deniedHere = []uint32{unix.SYS_IOPL, unix.SYS_IOPERM}
