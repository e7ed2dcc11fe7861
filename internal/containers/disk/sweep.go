package disk

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// Sweep removes what killed writers left in a directory.
func Sweep(root *os.Root, dir string) (removed int64) {
	entries, err := fs.ReadDir(root.FS(), dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if !Unfinished(e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > stale && root.Remove(path.Join(dir, e.Name())) == nil {
			removed += info.Size()
		}
	}
	return removed
}

// Unfinished reports whether a name is that of a file that is being written.
func Unfinished(name string) bool {
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, unfinished)
}
