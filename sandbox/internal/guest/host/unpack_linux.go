package host

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Unpack makes dir, which must not exist or be empty, a root file system from an image's data: tar, tar.gz or
// tar.zst, told apart by their content. Any other data (qcow2, raw, an empty stream) is an image without a shell and
// gives the bare folders that every machine has. Names in the archive are taken as seen from the new root, so no
// entry, link or ".." leads out of it; device nodes are left out. What takes more than limit bytes, which is the
// server's disk, is refused; after an error, dir is to be removed.
func Unpack(r io.Reader, dir string, limit int64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making root file system %q: %w", dir, err)
	}
	u, err := newUnpacker(dir)
	if err != nil {
		return err
	}
	defer u.close()
	u.limit, u.left = limit, limit
	archive, done, err := open(r)
	if err != nil {
		return fmt.Errorf("reading image data: %w", err)
	}
	defer done()
	if archive == nil {
		// An image server counts the bytes it sent: take them all, as a compute node does.
		if _, err := io.Copy(io.Discard, r); err != nil {
			return fmt.Errorf("reading image data: %w", err)
		}
	} else if err := u.all(tar.NewReader(archive)); err != nil {
		return fmt.Errorf("unpacking image into %q: %w", dir, err)
	}
	if err := u.skeleton(archive == nil); err != nil {
		return fmt.Errorf("making the folders of root file system %q: %w", dir, err)
	}
	return nil
}

// unpacker writes below one folder. Every path is resolved by the kernel as if that folder were "/".
type unpacker struct {
	root        int
	ids         idMap
	limit, left int64 // bytes of the disk, and those not yet taken

	dirs []dirEntry // modes and times of folders, set when everything is in them

	parentName string // the folder last used: entries come folder by folder
	parent     int
}

type dirEntry struct {
	name string
	mode uint32
	time time.Time
}

func newUnpacker(dir string) (*unpacker, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening root file system %q: %w", dir, err)
	}
	u := &unpacker{root: fd, ids: hostIDs(), parent: -1}
	if id := u.ids.host(0); id >= 0 {
		if err := os.Chown(dir, id, id); err != nil {
			u.close()
			return nil, fmt.Errorf("giving root file system %q to the guest's root: %w", dir, err)
		}
	}
	return u, nil
}

func (u *unpacker) close() {
	if u.parent >= 0 {
		unix.Close(u.parent)
	}
	unix.Close(u.root)
}

func (u *unpacker) all(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.entry(h, t); err != nil {
			return fmt.Errorf("entry %q: %w", h.Name, err)
		}
	}
}

func (u *unpacker) finish(d dirEntry) error {
	fd, err := unix.Openat2(u.root, "./"+d.name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil // replaced by a later entry
	}
	defer unix.Close(fd)
	if err := unix.Fchmod(fd, d.mode); err != nil {
		return fmt.Errorf("setting the mode of folder %q: %w", d.name, err)
	}
	ts := unix.NsecToTimespec(d.time.UnixNano())
	if err := unix.UtimesNanoAt(fd, "", []unix.Timespec{ts, ts}, unix.AT_EMPTY_PATH); err != nil {
		return nil // an older kernel; the time of a folder matters to nobody
	}
	return nil
}
