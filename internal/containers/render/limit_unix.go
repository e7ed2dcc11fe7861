//go:build unix

package render

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// limit bounds this process. What the system refuses to bound is bounded by the caller's deadline.
func limit(memory, cpuSeconds uint64) {
	bound(unix.RLIMIT_CPU, cpuSeconds)
	bound(unix.RLIMIT_CORE, 0)
	if runtime.GOOS == "linux" {
		bound(unix.RLIMIT_AS, memory)
	}
}

func bound(resource int, to uint64) {
	var l unix.Rlimit
	set(&l.Cur, to)
	set(&l.Max, to)
	_ = unix.Setrlimit(resource, &l)
}

// set hides that a limit is a signed number on FreeBSD.
func set[T int64 | uint64](field *T, to uint64) { *field = T(to) }
