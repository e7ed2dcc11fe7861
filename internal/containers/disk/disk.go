// Package disk writes files so that each is there whole or not at all, also if the program is killed.
package disk

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

const (
	unfinished = ".partial" // ends the names of files that are being written
	stale      = time.Hour  // after which nobody writes them any more
)

// Write writes a file below root, and its directories. What was there is replaced when all of body has
// been read; if body gives an error, nothing changes.
func Write(root *os.Root, name string, body io.Reader) error {
	dir := path.Dir(name)
	if err := folders(root, dir); err != nil {
		return explain(name, err)
	}
	temporary := path.Join(dir, "."+path.Base(name)[:min(len(path.Base(name)), 100)]+"."+rand.Text()+unfinished)
	f, err := root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return explain(name, err)
	}
	err = fill(f, body)
	if err == nil {
		err = root.Rename(temporary, name)
	}
	if err != nil {
		_ = root.Remove(temporary)
		return explain(name, err)
	}
	if d, err := root.Open(dir); err == nil {
		_ = d.Sync() // so that the new name survives a power cut; not all file systems can
		d.Close()
	}
	return nil
}

// Text is Write of a text. A file that has it already stays as it is.
func Text(root *os.Root, name string, text []byte) error {
	if now, err := root.ReadFile(name); err == nil && bytes.Equal(now, text) {
		return nil
	}
	return Write(root, name, bytes.NewReader(text))
}

// folders makes a folder and those above it, whatever the umask: others serve them.
func folders(root *os.Root, dir string) error {
	if info, err := root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if parent := path.Dir(dir); parent != dir && parent != "." {
		if err := folders(root, parent); err != nil {
			return err
		}
	}
	err := root.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process has made it, or it is no folder, as writing tells
	}
	if err == nil {
		err = root.Chmod(dir, 0o755)
	}
	return err
}

// Make makes a folder and those above it, as far as they are missing. undo removes the ones that it made and that are
// empty.
func Make(dir string) (undo func(), err error) {
	var made []string
	for above := filepath.Clean(dir); ; above = filepath.Dir(above) {
		if _, err := os.Stat(above); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, above)
	}
	undo = func() {
		for _, folder := range made {
			if os.Remove(folder) != nil {
				return
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		undo()
		return nil, err
	}
	return undo, nil
}

func fill(f *os.File, body io.Reader) error {
	_, err := io.Copy(f, body)
	if err == nil {
		err = f.Chmod(0o644) // whatever the umask: others serve it
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// FreeFor is Free where the path itself may not be there yet.
func FreeFor(path string) (int64, error) {
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return Free(dir)
		}
	}
}
