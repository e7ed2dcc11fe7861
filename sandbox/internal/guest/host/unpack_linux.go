package host

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// Unpack makes dir, which must not exist or be empty, a root file system from an image's data: tar, tar.gz or
// tar.zst, told apart by their content. Any other data (qcow2, raw, an empty stream) is an image without a shell and
// gives the bare folders that every machine has. Names in the archive are taken as seen from the new root, so no
// entry, link or ".." leads out of it; device nodes are left out.
func Unpack(r io.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making root file system %q: %w", dir, err)
	}
	u, err := newUnpacker(dir)
	if err != nil {
		return err
	}
	defer u.close()
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

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// open answers the tar stream in r, or nil where there is none.
func open(r io.Reader) (archive io.Reader, done func(), err error) {
	done = func() {}
	b := bufio.NewReaderSize(r, 1<<16)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, done, err
	}
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, done, nil
		}
		b = bufio.NewReaderSize(z, 1<<16)
	case bytes.HasPrefix(head, zstdMagic):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, done, err
		}
		done = z.Close
		b = bufio.NewReaderSize(z, 1<<16)
	}
	head, _ = b.Peek(512)
	if len(head) < 512 || !bytes.HasPrefix(head[257:], []byte("ustar")) {
		return nil, done, nil
	}
	return b, done, nil
}

// unpacker writes below one folder. Every path is resolved by the kernel as if that folder were "/".
type unpacker struct {
	root int
	ids  idMap
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

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	name := path.Clean("/" + h.Name)[1:]
	if name == "" {
		u.dirs = append(u.dirs, dirEntry{".", uint32(h.Mode & 0o7777), h.ModTime})
		return nil
	}
	parent, base, err := u.folderOf(name)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.dir(parent, base, name, h)
	case tar.TypeReg:
		return u.file(parent, base, h, content)
	case tar.TypeSymlink:
		u.clear(parent, base)
		if err := unix.Symlinkat(h.Linkname, parent, base); err != nil {
			return err
		}
	case tar.TypeLink:
		return u.link(parent, base, h)
	case tar.TypeFifo:
		u.clear(parent, base)
		if err := unix.Mkfifoat(parent, base, uint32(h.Mode&0o777)); err != nil {
			return err
		}
	default: // devices, and what only some tar programs know
		return nil
	}
	return u.own(parent, base, h)
}

// folderOf opens the folder of name, making it where the archive forgot it.
func (u *unpacker) folderOf(name string) (fd int, base string, err error) {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	if u.parent >= 0 && u.parentName == dir {
		return u.parent, base, nil
	}
	fd, err = u.openDir(dir)
	if errors.Is(err, unix.ENOENT) && dir != "" {
		up, last, err := u.folderOf(dir)
		if err != nil {
			return -1, "", err
		}
		if err := unix.Mkdirat(up, last, 0o755); err != nil {
			return -1, "", err
		}
		if err := u.chown(up, last, 0, 0); err != nil {
			return -1, "", err
		}
		fd, err = u.openDir(dir)
		if err != nil {
			return -1, "", err
		}
	} else if err != nil {
		return -1, "", err
	}
	if u.parent >= 0 {
		unix.Close(u.parent)
	}
	u.parent, u.parentName = fd, dir
	return fd, base, nil
}

func (u *unpacker) openDir(name string) (int, error) {
	return unix.Openat2(u.root, "./"+name, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}

func (u *unpacker) dir(parent int, base, name string, h *tar.Header) error {
	err := unix.Mkdirat(parent, base, 0o755)
	if errors.Is(err, unix.EEXIST) {
		if fd, derr := unix.Openat(parent, base, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); derr == nil {
			unix.Close(fd)
		} else {
			u.clear(parent, base)
			err = unix.Mkdirat(parent, base, 0o755)
		}
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	u.dirs = append(u.dirs, dirEntry{name, uint32(h.Mode & 0o7777), h.ModTime})
	return u.chown(parent, base, h.Uid, h.Gid)
}

func (u *unpacker) file(parent int, base string, h *tar.Header, content io.Reader) error {
	u.clear(parent, base)
	fd, err := unix.Openat(parent, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), h.Name)
	defer f.Close()
	if _, err := io.Copy(f, content); err != nil {
		return err
	}
	if err := u.own(parent, base, h); err != nil {
		return err
	}
	for k, v := range h.PAXRecords {
		if attr, ok := strings.CutPrefix(k, paxXattr); ok && strings.HasPrefix(attr, "user.") {
			_ = unix.Fsetxattr(fd, attr, []byte(v), 0) // a file system without them loses them
		}
	}
	if err := unix.Fchmod(fd, uint32(h.Mode&0o7777)); err != nil {
		return err
	}
	return f.Close()
}

const paxXattr = "SCHILY.xattr."

func (u *unpacker) link(parent int, base string, h *tar.Header) error {
	target := path.Clean("/" + h.Linkname)[1:]
	if target == "" {
		return nil
	}
	dir, last := path.Split(target)
	from, err := u.openDir(dir)
	if err != nil {
		return fmt.Errorf("hard link to %q: %w", h.Linkname, err)
	}
	defer unix.Close(from)
	u.clear(parent, base)
	if err := unix.Linkat(from, last, parent, base, 0); err != nil {
		return fmt.Errorf("hard link to %q: %w", h.Linkname, err)
	}
	return nil
}

// clear removes what an earlier entry of the same name left; a later entry wins.
func (u *unpacker) clear(parent int, base string) {
	if err := unix.Unlinkat(parent, base, 0); errors.Is(err, unix.EISDIR) {
		_ = unix.Unlinkat(parent, base, unix.AT_REMOVEDIR)
	}
}

func (u *unpacker) own(parent int, base string, h *tar.Header) error {
	if err := u.chown(parent, base, h.Uid, h.Gid); err != nil {
		return err
	}
	return setTime(parent, base, h.ModTime)
}

func (u *unpacker) chown(parent int, base string, uid, gid int) error {
	if u.ids.single {
		return nil
	}
	return unix.Fchownat(parent, base, u.ids.host(uid), u.ids.host(gid), unix.AT_SYMLINK_NOFOLLOW)
}

func setTime(parent int, base string, t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	return unix.UtimesNanoAt(parent, base, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
}

// folder is one that a machine needs to start.
type folder struct {
	name string
	mode uint32
}

var (
	mountPoints = []folder{{"dev", 0o755}, {"etc", 0o755}, {"proc", 0o555}, {"root", 0o700}, {"run", 0o755}, {"sys", 0o555}, {"tmp", 0o1777}}
	bareFolders = []folder{
		{"bin", 0o755},
		{"home", 0o755},
		{"mnt", 0o755},
		{"opt", 0o755},
		{"sbin", 0o755},
		{"srv", 0o755},
		{"usr", 0o755},
		{"usr/bin", 0o755},
		{"usr/local", 0o755},
		{"usr/local/bin", 0o755},
		{"usr/sbin", 0o755},
		{"var", 0o755},
		{"var/lib", 0o755},
		{"var/log", 0o755},
		{"var/tmp", 0o1777},
	}
)

// skeleton adds the folders that are missing and gives all folders their final mode and time.
func (u *unpacker) skeleton(bare bool) error {
	wanted := mountPoints
	if bare {
		wanted = slices.Concat(mountPoints, bareFolders)
		u.dirs = append(u.dirs, dirEntry{".", 0o755, time.Now()})
	}
	for _, f := range wanted {
		parent, base, err := u.folderOf(f.name)
		if err != nil {
			return err
		}
		if err := unix.Mkdirat(parent, base, 0o755); errors.Is(err, unix.EEXIST) {
			continue
		} else if err != nil {
			return err
		}
		if err := u.chown(parent, base, 0, 0); err != nil {
			return err
		}
		u.dirs = append(u.dirs, dirEntry{f.name, f.mode, time.Now()})
	}
	// Deepest first: a folder may lose the right to be searched.
	slices.SortStableFunc(u.dirs, func(a, b dirEntry) int { return strings.Count(b.name, "/") - strings.Count(a.name, "/") })
	for _, d := range u.dirs {
		if err := u.finish(d); err != nil {
			return err
		}
	}
	return nil
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
