package modify

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/dockerfile"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

type dockerCopy = dockerfile.Copy

// files are those that a layer gets, by their paths in the image without the first slash.
type files struct {
	ctx     context.Context //nolint:containedctx // lives as long as one call
	tree    *rootfs.Root
	root    *os.Root // the build context
	ignore  func(string) (bool, error)
	entries map[string]*entry
	uid     int // of the copy under way
	gid     int
	mode    int64
}

// entry is one file of the layer; from is where its bytes are in the build context.
type entry struct {
	header *tar.Header
	from   string
}

// copy adds the files of one COPY or ADD.
func (f *files) copy(c dockerfile.Copy) (err error) {
	if f.uid, f.gid, err = f.tree.Owner(f.ctx, c.Owner); err != nil {
		return err
	}
	f.mode = c.Mode
	var sources []string
	for _, pattern := range c.Sources {
		found, err := f.find(pattern)
		if err != nil {
			return err
		}
		sources = append(sources, found...)
	}
	intoFolder := strings.HasSuffix(c.Dest, "/") || strings.HasSuffix(c.Dest, "/.")
	if !intoFolder {
		there, err := f.isFolder(c.Dest)
		if err != nil {
			return err
		}
		intoFolder = there
	}
	if len(sources) > 1 && !intoFolder {
		return fault.New(fault.Usage, "", "several files are copied to %s, which has to end in / then", c.Dest)
	}
	for _, source := range sources {
		if err := f.add(source, c.Dest, intoFolder); err != nil {
			return err
		}
	}
	return nil
}

// find gives the paths in the build context that a pattern means.
func (f *files) find(pattern string) ([]string, error) {
	clean := path.Clean("/" + pattern)[1:]
	if slices.Contains(strings.Split(pattern, "/"), "..") && !within(pattern) {
		return nil, fault.New(fault.Usage, "", "%s leads out of the build context", pattern)
	}
	if clean == "" {
		return []string{"."}, nil
	}
	found, err := fs.Glob(f.root.FS(), clean)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "%s: %v", pattern, err)
	}
	var kept []string
	for _, name := range found {
		skip, err := f.ignore(name)
		if err != nil {
			return nil, err
		}
		if !skip {
			kept = append(kept, name)
		}
	}
	if len(kept) == 0 {
		if _, err := f.root.Stat(clean); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fault.New(fault.Usage, "", "%s: %v", pattern, err) // such as a link that leads out
		}
		return nil, fault.New(fault.NotFound, "", "%s isn't in the build context, or .dockerignore leaves it out", pattern)
	}
	return kept, nil
}

// within reports whether a relative path never goes above where it begins.
func within(name string) bool {
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return false
		}
	}
	return true
}

// isFolder reports whether the image, or this layer, has a folder there.
func (f *files) isFolder(name string) (bool, error) {
	at, err := f.tree.Resolve(f.ctx, name)
	if err != nil {
		return false, err
	}
	if e := f.entries[at[1:]]; e != nil {
		return e.header.Typeflag == tar.TypeDir, nil
	}
	e, err := f.tree.Stat(f.ctx, at)
	return e.Folder(), err
}

// add adds what lies at a path of the build context: a file, or what is in a folder.
func (f *files) add(source, dest string, intoFolder bool) error {
	info, err := f.root.Stat(source)
	if err != nil {
		return fault.New(fault.Usage, "", "%s: %v", source, err)
	}
	if !info.IsDir() {
		if intoFolder {
			dest = path.Join(dest, path.Base(source))
		}
		return f.put(source, info, dest)
	}
	return walk(f.root, source, f.ignore, func(name string, info fs.FileInfo) error {
		if err := f.ctx.Err(); err != nil {
			return context.Cause(f.ctx)
		}
		below := strings.TrimPrefix(strings.TrimPrefix(name, source), "/")
		if source == "." {
			below = name
		}
		return f.put(name, info, path.Join(dest, below))
	})
}

// put adds one file, link or folder, with the folders above it as the image has them.
func (f *files) put(name string, info fs.FileInfo, dest string) error {
	folder, err := f.tree.Resolve(f.ctx, path.Dir(path.Clean("/"+dest)))
	if err != nil {
		return err
	}
	to := path.Join(folder, path.Base(dest))
	h := &tar.Header{
		Mode: int64(info.Mode().Perm()), Uid: f.uid, Gid: f.gid, ModTime: info.ModTime().Truncate(1e9), Format: tar.FormatPAX,
	}
	h.Mode |= special(info.Mode())
	if f.mode >= 0 {
		h.Mode = f.mode
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		if there, err := f.isFolder(to); err != nil || there || to == "/" {
			return err // it stays as it is
		}
		h.Typeflag = tar.TypeDir
	case mode&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = f.root.Readlink(name); err != nil {
			return err
		}
	case mode.IsRegular() && info.Size() > maxBytes:
		return fault.New(fault.Usage, "", "%s has more than %d GiB", name, maxBytes>>30)
	case mode.IsRegular():
		if to, err = f.tree.Resolve(f.ctx, to); err != nil {
			return err
		}
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
	default:
		return fault.New(fault.Usage, "", "%s is neither a file nor a folder nor a symbolic link", name)
	}
	if err := f.above(path.Dir(to)); err != nil {
		return err
	}
	h.Name = to[1:]
	f.entries[h.Name] = &entry{h, name}
	return nil
}

func special(m fs.FileMode) (bits int64) {
	for bit, value := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&bit != 0 {
			bits |= value
		}
	}
	return bits
}

// above adds the folders above: without them, who unpacks the layer would give them modes and owners
// of its own choice.
func (f *files) above(folder string) error {
	for at := folder; at != "/"; at = path.Dir(at) {
		if e := f.entries[at[1:]]; e != nil {
			if e.header.Typeflag != tar.TypeDir {
				return fault.New(fault.Usage, "", "%s would be a file and a folder", at)
			}
			continue
		}
		e, err := f.tree.Stat(f.ctx, at)
		if err != nil {
			return err
		}
		h := tar.Header{Typeflag: tar.TypeDir, Mode: 0o755}
		switch {
		case e != nil && !e.Folder():
			return fault.New(fault.Usage, "", "the image has a file at %s, which would have to be a folder", at)
		case e != nil:
			h.Mode, h.Uid, h.Gid, h.ModTime = e.Mode, e.UID, e.GID, e.ModTime
			h.PAXRecords = map[string]string{}
			for name, value := range e.Xattrs {
				h.PAXRecords["SCHILY.xattr."+name] = value
			}
		}
		h.Name, h.Format = at[1:], tar.FormatPAX
		f.entries[h.Name] = &entry{header: &h}
	}
	return nil
}

// write writes the archive, in the order of the names.
func (f *files) write(to *tar.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(f.entries)) {
		if f.ctx.Err() != nil {
			return context.Cause(f.ctx)
		}
		e := f.entries[name]
		if e.header.Typeflag == tar.TypeDir {
			e.header.Name += "/"
		}
		if err := to.WriteHeader(e.header); err != nil {
			return prefixed(name, err)
		}
		if e.header.Typeflag != tar.TypeReg {
			continue
		}
		file, err := f.root.Open(e.from)
		if err != nil {
			return err
		}
		_, err = io.CopyN(to, file, e.header.Size)
		file.Close()
		if err != nil {
			return fmt.Errorf("%s changed while it was read: %w", e.from, err)
		}
	}
	return nil
}

// archive writes an archive.
type archive func(*tar.Writer) error

func (a archive) to(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	if err := a(w); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Close()
}

// archives says which ADD would unpack an archive, "" if none would.
func archives(folder string, copies []dockerfile.Copy) (string, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	for _, c := range copies {
		if !c.Add {
			continue
		}
		for _, source := range c.Sources {
			found, _ := fs.Glob(root.FS(), path.Clean("/" + source)[1:]) // a wrong pattern is told of later
			for _, name := range found {
				if isArchive(root, name) {
					return fmt.Sprintf("Dockerfile: line %d: ADD unpacks %s", c.Line, name), nil
				}
			}
		}
	}
	return "", nil
}

func isArchive(root *os.Root, name string) bool {
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return false // opening a pipe would wait for who writes to it
	}
	f, err := root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	for _, magic := range []string{"\x1f\x8b", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return n > 262 && string(head[257:262]) == "ustar"
}
