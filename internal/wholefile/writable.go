package wholefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrFolder is CanWrite's error where a folder has the file's name.
var ErrFolder = errors.New("it is a folder")

// CanWrite is the error that Write would give for what the path leads to, as far as that is known without writing:
// the folder is missing, isn't one, or isn't this user's to write to. A file that is there and may be written is
// good enough for programs that write it in place, whatever its folder.
func CanWrite(path string) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return ErrFolder
	case err == nil && (!info.Mode().IsRegular() || accessible(path) == nil):
		return nil
	}
	folder := filepath.Dir(Target(path))
	switch info, err := os.Stat(folder); {
	case errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return fmt.Errorf("%s is no folder", folder)
	case err != nil:
		return err
	}
	if err := accessible(folder); err != nil {
		return &os.PathError{Op: "open", Path: folder, Err: err}
	}
	return nil
}
