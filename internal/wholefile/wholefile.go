// Package wholefile writes files whole or not at all: whoever reads one sees the old content or the new one, also
// after a crash or on a full disk.
package wholefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace writes a file in place of an older one. The folder has to exist.
func Replace(path string, perm fs.FileMode, text []byte) error {
	return Write(path, perm, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// Write is Replace for what is written bit by bit. If write fails, the older file stays as it is. Behind a
// symbolic link, the link's target is replaced. The file's owner stays. What is no regular file, such as /dev/stdout or a pipe, is written
// to as it is.
func Write(path string, perm fs.FileMode, write func(io.Writer) error) error {
	if err := replace(path, perm, true, write); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Keep is Replace for a cache: only its user may read the file, its folder is made if it is missing, and a crash
// of the machine may lose it.
func Keep(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replace(path, 0o600, false, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

func replace(path string, perm fs.FileMode, durable bool, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	old, missing := os.Stat(path)
	if missing == nil && !old.Mode().IsRegular() {
		return through(path, write)
	}
	folder := filepath.Dir(path)
	temp, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	err = fill(temp, write)
	if missing == nil {
		keepOwner(temp, old)
	}
	if err == nil {
		err = temp.Chmod(perm)
	}
	if err == nil && durable {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	if durable {
		settle(folder)
	}
	return nil
}

// through writes to a device or a pipe.
func through(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(fill(f, write), f.Close())
}

func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// settle makes a rename in the folder last. Some file systems don't offer that; then the rename is as good as done.
func settle(folder string) {
	if d, err := os.Open(folder); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
