//go:build unix

package render

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// limit bounds this process. What the system refuses to bound is bounded by the caller's deadline.
func limit(memory, cpuSeconds uint64) {
	_ = unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: cpuSeconds, Max: cpuSeconds})
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	if runtime.GOOS == "linux" {
		_ = unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: memory, Max: memory})
	}
}
