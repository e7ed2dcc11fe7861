package trust

import (
	"io/fs"
	"syscall"
)

// Identify is the file's identity; ok is false if it is unknown, so that nothing about the file may be cached.
func Identify(info fs.FileInfo) (id Identity, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Identity{}, false
	}
	return Identity{
		Device: uint64(s.Dev), Inode: s.Ino, Size: s.Size, //nolint:unconvert // the type differs between architectures
		ModTime: s.Mtim.Nano(), Changed: s.Ctim.Nano(),
	}, true
}
