package host

import (
	"archive/tar"
	"context"
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

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// Pack writes the root file system in dir, which a running guest may be using, as a tar.zst: sorted by name, with
// the guest's own user ids, symbolic and hard links and user attributes. What is in /dev, /proc, /run, /sys and /tmp
// stays out, and so does everything that the agent put there.
func Pack(ctx context.Context, dir string, w io.Writer) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return fmt.Errorf("packing root file system %q: %w", dir, err)
	}
	p := &packer{ctx: ctx, tar: tar.NewWriter(z), ids: hostIDs(), links: map[inode]string{}}
	root, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("packing root file system %q: %w", dir, err)
	}
	if err := p.folder(root, ""); err != nil {
		return fmt.Errorf("packing root file system %q: %w", dir, err)
	}
	if err := errors.Join(p.tar.Close(), z.Close()); err != nil {
		return fmt.Errorf("packing root file system %q: %w", dir, err)
	}
	return nil
}

// volatile folders are packed empty.
var volatile = []string{"dev", "proc", "run", "sys", "tmp"}

type inode struct{ dev, ino uint64 }

// packer walks by file descriptor and never follows a link, so that a guest that moves its files about meanwhile
// can't make it read one of the host's.
type packer struct {
	ctx   context.Context
	tar   *tar.Writer
	ids   idMap
	links map[inode]string
}

// folder packs an open folder and closes it. name is "" for the root, else without leading or trailing slash.
func (p *packer) folder(fd int, name string) error {
	f := os.NewFile(uintptr(fd), "/"+name)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	h := p.header(name+"/", &st)
	if name == "" {
		h.Name = "./"
	}
	h.Typeflag = tar.TypeDir
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	if slices.Contains(volatile, name) {
		return nil
	}
	names, err := f.Readdirnames(-1)
	if err != nil {
		return fmt.Errorf("listing folder %q: %w", "/"+name, err)
	}
	slices.Sort(names)
	for _, base := range names {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		err := p.entry(fd, base, path.Join(name, base))
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
			continue // gone, or something else since it was looked at
		}
		if err != nil {
			return fmt.Errorf("file %q: %w", "/"+path.Join(name, base), err)
		}
	}
	return nil
}

func (p *packer) entry(parent int, base, name string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	h := p.header(name, &st)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		fd, err := openReadable(parent, base, unix.O_DIRECTORY, st.Mode)
		if err != nil {
			return err
		}
		return p.folder(fd, name)
	case unix.S_IFREG:
		return p.file(parent, base, h, &st)
	case unix.S_IFLNK:
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(parent, base, buf)
		if errors.Is(err, unix.EINVAL) {
			return nil // no link any more
		}
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, string(buf[:n])
		if strings.HasPrefix(h.Linkname, control.AgentDir+"/") {
			return nil
		}
	case unix.S_IFIFO:
		h.Typeflag = tar.TypeFifo
	default: // sockets, devices
		return nil
	}
	return p.tar.WriteHeader(h)
}

func (p *packer) file(parent int, base string, h *tar.Header, st *unix.Stat_t) error {
	if st.Nlink > 1 {
		i := inode{uint64(st.Dev), st.Ino}
		if first, ok := p.links[i]; ok {
			h.Typeflag, h.Linkname = tar.TypeLink, first
			return p.tar.WriteHeader(h)
		}
		p.links[i] = h.Name
	}
	fd, err := openReadable(parent, base, unix.O_NONBLOCK, st.Mode)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), h.Name)
	defer f.Close()
	var now unix.Stat_t
	if err := unix.Fstat(fd, &now); err != nil {
		return err
	}
	if now.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil // changed under our hands
	}
	h.Typeflag, h.Size = tar.TypeReg, now.Size
	p.attributes(fd, h)
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.CopyN(p.tar, f, now.Size)
	if errors.Is(err, io.EOF) { // the file shrank meanwhile
		_, err = io.CopyN(p.tar, zeros{}, now.Size-n)
	}
	return err
}

func (p *packer) header(name string, st *unix.Stat_t) *tar.Header {
	return &tar.Header{
		Name:    name,
		Mode:    int64(st.Mode & 0o7777),
		Uid:     p.ids.guest(int(st.Uid)),
		Gid:     p.ids.guest(int(st.Gid)),
		ModTime: time.Unix(st.Mtim.Unix()),
		Format:  tar.FormatPAX,
	}
}

func (p *packer) attributes(fd int, h *tar.Header) {
	buf := make([]byte, 4096)
	n, err := unix.Flistxattr(fd, buf)
	if err != nil || n == 0 {
		return
	}
	for attr := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		if !strings.HasPrefix(attr, "user.") {
			continue
		}
		v := make([]byte, 4096)
		if n, err := unix.Fgetxattr(fd, attr, v); err == nil {
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords[paxXattr+attr] = string(v[:n])
		}
	}
}

// openReadable opens what its owner may have closed even to himself: the guest's root read over that, and where the
// sandbox process isn't root it has to ask first.
func openReadable(parent int, base string, flags int, mode uint32) (int, error) {
	flags |= unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(parent, base, flags, 0)
	if !errors.Is(err, unix.EACCES) {
		return fd, err
	}
	pinned, err := unix.Openat(parent, base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pinned)
	if err := unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", pinned), mode&0o7777|0o500); err != nil {
		return -1, err
	}
	fd, err = unix.Openat(parent, base, flags, 0)
	if err == nil {
		err = unix.Fchmod(fd, mode&0o7777)
	}
	return fd, err
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
