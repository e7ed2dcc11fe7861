package wholefile

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
)

// Hold keeps other processes that call it out of the files' folders until release is called or the process ends, so
// that what one reads, changes and writes can't be lost to another. It waits for them as long as ctx lives. It leaves
// nothing behind. A file system without locks offers no such protection.
func Hold(ctx context.Context, paths ...string) (release func(), err error) {
	var held []*os.File
	release = func() {
		for _, f := range held {
			filelock.Close(f)
		}
	}
	for _, folder := range foldersOf(paths) {
		f, err := os.Open(folder)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, f)
		if err := filelock.Take(ctx, f, func() {}); err != nil {
			release()
			return nil, fmt.Errorf("waiting for another run that uses %s: %w", folder, err)
		}
	}
	return release, nil
}

// HoldFile is Hold for one file that nobody replaces meanwhile; others in its folder stay free. It calls waiting once if
// another process has the file.
func HoldFile(ctx context.Context, path string, waiting func()) (release func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := filelock.Take(ctx, f, waiting); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("waiting for another run that uses %s: %w", path, err)
	}
	return func() { filelock.Close(f) }, nil
}

// foldersOf are the folders of files, each once and in one order for everybody, so that nobody waits for one another.
func foldersOf(paths []string) []string {
	var all []string
	for _, path := range paths {
		path = Target(path)
		all = append(all, filepath.Dir(path))
	}
	return slices.Compact(slices.SortedFunc(slices.Values(all), cmp.Compare[string]))
}

// Target is the file that a path stands for: what Write replaces behind a symbolic link.
func Target(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(folder, filepath.Base(path))
	}
	return path
}
