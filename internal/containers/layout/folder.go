package layout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// folder is a layout in a folder. Nothing outside of it is read or written.
type folder struct {
	root *os.Root
	undo func() // for one that this run has begun: removes the folders that it made
}

func openFolder(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("image layout: %w", err))
	}
	return &folder{root: root}, nil
}

func (f *folder) open(name string) (io.ReadCloser, int64, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, 0, errors.Join(err, fmt.Errorf("%s: %w", name, fs.ErrNotExist))
	}
	return file, info.Size(), nil
}

func (f *folder) write(name string, _ int64, body io.Reader) error {
	return disk.Write(f.root, name, body)
}

// index writes the list of images last: it names what is there.
func (f *folder) index(lists map[string][]byte) error {
	for _, name := range []string{versionName, deltaName, indexName} {
		if text := lists[name]; text != nil {
			if err := disk.Text(f.root, name, text); err != nil {
				return err
			}
		} else if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return disk.Explain(name, err)
		}
	}
	return nil
}

// lock locks the folder itself, so that no file is left.
func (f *folder) lock(ctx context.Context) (unlock func(), err error) {
	d, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	if err := disk.Lock(ctx, d, "the image layout "+f.root.Name()); err != nil {
		d.Close()
		return nil, err
	}
	return func() { disk.Unlock(d) }, nil
}

func (f *folder) free() (int64, error) { return disk.Free(f.root.Name()) }

// close leaves nothing of a layout that this run has begun and that got nothing.
func (f *folder) close() error {
	if f.undo != nil && f.clear() {
		defer f.undo()
	}
	return f.root.Close()
}

// clear removes what a layout has before it gets something. It reports whether that was all.
func (f *folder) clear() bool {
	for _, name := range []string{"blobs/sha256", "blobs/sha512", "blobs"} {
		_ = f.root.Remove(name) // only if it is empty
	}
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != versionName }) {
		return false
	}
	_ = f.root.Remove(versionName)
	return true
}

// sorted are a map's keys in order.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
