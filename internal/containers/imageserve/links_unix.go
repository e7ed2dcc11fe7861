//go:build unix

package imageserve

import (
	"os"
	"syscall"
)

// linksOf is how many names a file has.
func linksOf(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink) //nolint:unconvert // it is 16 bits elsewhere
	}
	return 1
}
