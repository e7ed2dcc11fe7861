package host

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const paxXattr = "SCHILY.xattr."

// entryCost is what any entry takes of the disk, besides its content.
const entryCost = 1 << 10

// reserve takes an entry's share of the disk before anything is written.
func (u *unpacker) reserve(h *tar.Header) error {
	if h.Size < 0 || h.Size > u.left-entryCost {
		return fmt.Errorf("the image takes more than the %.3g GiB of the server's disk", float64(u.limit)/(1<<30))
	}
	u.left -= h.Size + entryCost
	return nil
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	if err := u.reserve(h); err != nil {
		return err
	}
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
	if _, err := io.Copy(f, io.LimitReader(content, h.Size)); err != nil {
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
