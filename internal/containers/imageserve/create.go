package imageserve

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/disk"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// What is in a folder without images.
const (
	firstName    = "v2/index.json"
	catalogName  = "v2/_catalog"
	lockName     = "v2/.imgctl.lock" // locked by all who write, and alone by who removes what nothing refers to
	listLockName = "v2/.imgctl-lists.lock"
)

// Create opens the folder, and makes it if it isn't there; the folder that it is in has to exist. With dry, nothing
// is made.
func Create(dir string, dry bool) (*Folder, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return Open(dir)
	}
	if err := parent(dir); err != nil {
		return nil, err
	}
	if !dry {
		return makeFolder(dir)
	}
	empty, err := os.MkdirTemp("", "imgctl")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(empty) // it stays open
	f, err := makeFolder(empty)
	if err == nil {
		f.dir = dir
	}
	return f, err
}

// parent is the error of a folder that can't be made because the one above is missing: its path may be misspelled.
func parent(dir string) error {
	above := path.Dir(dir)
	info, err := os.Stat(above)
	switch {
	case err != nil:
		return fault.Wrap(fault.NotFound, fault.Advise("check the path, or create %s", above),
			fmt.Errorf("folder of images %s: %w", dir, err))
	case !info.IsDir():
		return fault.New(fault.Usage, "", "folder of images %s: %s is no folder", dir, above)
	}
	return nil
}

func makeFolder(dir string) (*Folder, error) {
	_, missing := os.Stat(dir)
	undo, err := disk.Make(path.Join(dir, "v2"))
	if err != nil {
		return nil, disk.Explain("the folder of images", err)
	}
	// Apache has to read it, whatever the umask.
	err = os.Chmod(path.Join(dir, "v2"), 0o755)
	if err == nil && missing != nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		undo()
		return nil, disk.Explain("the folder of images", err)
	}
	f, err := Open(dir)
	if err != nil {
		undo()
		return nil, err
	}
	f.undo = undo
	if err := disk.Text(f.root, firstName, []byte("{}")); err != nil { // what Apache answers to who asks for /v2/
		f.Close()
		return nil, err
	}
	return f, nil
}

// clear removes what a folder has before it gets an image, unless another process writes to it. It reports whether
// that was all.
func (f *Folder) clear() bool {
	lock, err := f.openLock()
	if err != nil {
		return false
	}
	defer disk.Unlock(lock)
	if disk.Own(lock) != nil {
		return false
	}
	var folders []string
	own := []string{firstName, catalogName, lockName, listLockName}
	err = fs.WalkDir(f.root.FS(), "v2", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			folders = append(folders, name)
		case !slices.Contains(own, name):
			return fs.ErrExist
		}
		return nil
	})
	if err != nil {
		return false
	}
	for _, name := range slices.Backward(folders[1:]) {
		_ = f.root.Remove(name)
	}
	for _, name := range own {
		_ = f.root.Remove(name)
	}
	return true
}

// writing takes the lock that those who write share.
func (f *Folder) writing() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lock != nil {
		return nil
	}
	lock, err := f.openLock()
	if err == nil {
		err = disk.Share(lock)
	}
	if err != nil {
		return err
	}
	f.lock = lock
	return nil
}

func (f *Folder) openLock() (*os.File, error) {
	lock, err := f.root.OpenFile(lockName, os.O_CREATE|os.O_RDWR, 0o644)
	return lock, disk.Explain(lockName, err)
}
