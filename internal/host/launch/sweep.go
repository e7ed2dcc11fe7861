package launch

import (
	"os"
	"path/filepath"
	"time"
)

// leftover is the age at which a folder without a socket is certainly a leftover.
const leftover = time.Hour

// sweep removes the empty folders that killed hosts have left.
func sweep(folder string) {
	old, err := filepath.Glob(filepath.Join(folder, "plugin-dir*"))
	if err != nil {
		return
	}
	for _, path := range old {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > leftover {
			_ = os.Remove(path) // fails, as it should, if a socket is in it
		}
	}
}
