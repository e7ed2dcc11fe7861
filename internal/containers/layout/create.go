package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Create opens a layout to write to: a folder, which is made, or a file whose name ends in .tar, which
// is there once Finish has succeeded. With dry, nothing is made and nothing can be written.
func Create(path string, dry bool) (*Layout, error) {
	entries, err := os.ReadDir(path)
	switch _, statErr := os.Stat(path); {
	case IsFile(path) && statErr == nil:
		return Open(path) // it may have everything
	case dry && (IsFile(path) || len(entries) == 0):
		return &Layout{files: nothing{path}}, nil
	case IsFile(path):
		a, err := createArchive(path)
		if err != nil {
			return nil, err
		}
		return &Layout{files: a}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	return createFolder(path, len(entries) == 0, dry)
}

// IsFile reports whether a layout of that name is a file, and not a folder.
func IsFile(path string) bool { return strings.HasSuffix(path, ".tar") }

func createFolder(path string, empty, dry bool) (*Layout, error) {
	undo, err := disk.Make(path)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	f, err := openFolder(path)
	if err != nil {
		undo()
		return nil, err
	}
	l := &Layout{files: f}
	if empty {
		f.undo = undo
		err = disk.Text(f.root, versionName, []byte(version)) // the next run knows it by this
	} else {
		err = l.read(true)
	}
	if err != nil {
		f.close()
		return nil, fault.Wrap(fault.KindOf(err), "", fmt.Errorf("image layout %s: %w", path, err))
	}
	if !dry {
		disk.Sweep(f.root, "blobs/sha256")
	}
	return l, nil
}
