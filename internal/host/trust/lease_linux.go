package trust

import (
	"os"

	"golang.org/x/sys/unix"
)

// Lease keeps everybody from opening the file for writing until Release, or f is closed: they wait. It fails,
// which doesn't matter, where the file is somebody else's or the file system has no
// leases; that the file is written is seen by its times then.
func Lease(f *os.File) { _, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK) }

// Release ends the lease, if there is one.
func Release(f *os.File) { _, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK) }
