package transaction

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rootfs"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
)

// Extra is a file of the image that gets other content, or goes.
type Extra struct {
	Entry *rootfs.Entry
	File  string // with the content; "" is none: the file goes
}

// Write writes the layer, uncompressed: folders, then whiteouts, then the packages' files in their
// payloads' order, then the extra files. The same transaction gives the same bytes.
func (t *Transaction) Write(ctx context.Context, to io.Writer, extras ...Extra) error {
	if len(t.Problems) > 0 {
		return errors.New("the transaction has problems")
	}
	for _, e := range extras {
		if err := t.parent(ctx, path.Dir(e.Entry.Path)); err != nil {
			return err
		}
	}
	w := &writer{t: t, tar: tar.NewWriter(to)}
	if err := w.write(extras); err != nil {
		return fmt.Errorf("layer: %w", err)
	}
	return w.tar.Close()
}

type writer struct {
	t   *Transaction
	tar *tar.Writer
}

func (w *writer) write(extras []Extra) error {
	for _, pass := range []func(string, *op) error{w.folder, w.whiteout, w.moved} {
		for _, at := range w.t.paths() {
			if err := pass(at, w.t.ops[at]); err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
		}
	}
	for _, f := range w.t.Added {
		if err := w.payload(f); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	for _, e := range extras {
		if err := w.extra(e); err != nil {
			return fmt.Errorf("%s: %w", e.Entry.Path, err)
		}
	}
	return nil
}

func name(at string) string { return strings.TrimPrefix(at, "/") }

func (w *writer) folder(at string, o *op) error {
	h := &tar.Header{Typeflag: tar.TypeDir, Name: name(at) + "/", ModTime: w.t.o.Time.UTC().Truncate(time.Second)}
	switch {
	case o.made:
		h.Mode = 0o755
	case o.kept != nil:
		e := o.kept
		h.Mode, h.Uid, h.Gid = e.Mode, e.UID, e.GID
		if e.UID < 0 {
			f := w.t.folders[at]
			h.Uid, h.Gid, h.Mode = w.t.ids.of(f.User, f.Group, e.Mode)
			h.ModTime = time.Unix(f.Mtime, 0).UTC()
		} else if !e.ModTime.IsZero() {
			h.ModTime = e.ModTime.UTC().Truncate(time.Second)
		}
		h.PAXRecords = records(e.Xattrs)
	case o.from != nil && o.file().Type() == rpm.Folder:
		f := o.file()
		h.Uid, h.Gid, h.Mode = w.t.ids.of(f.User, f.Group, int64(f.Mode&0o7777))
		h.ModTime = time.Unix(f.Mtime, 0).UTC()
	default:
		return nil
	}
	if at == "/" {
		h.Name = "./"
	}
	return w.tar.WriteHeader(h)
}

func records(xattrs map[string]string) map[string]string {
	var all map[string]string
	for k, v := range xattrs {
		if all == nil {
			all = map[string]string{}
		}
		all["SCHILY.xattr."+k] = v
	}
	return all
}

func (w *writer) whiteout(at string, o *op) error {
	if !o.gone {
		return nil
	}
	return w.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name(path.Join(path.Dir(at), ".wh."+path.Base(at))), ModTime: w.t.o.Time.UTC().Truncate(time.Second),
	})
}

// moved writes what was put aside.
func (w *writer) moved(at string, o *op) error {
	if o.moved == nil {
		return nil
	}
	e := o.moved
	h := headerOf(at, e)
	if err := w.tar.WriteHeader(h); err != nil || e.Type != tar.TypeReg {
		return err
	}
	return w.t.root.Extract(e, w.tar)
}

func headerOf(at string, e *rootfs.Entry) *tar.Header {
	h := &tar.Header{
		Typeflag: e.Type, Name: name(at), Mode: e.Mode, Uid: e.UID, Gid: e.GID, Linkname: e.Link,
		ModTime: e.ModTime.UTC().Truncate(time.Second), PAXRecords: records(e.Xattrs),
	}
	if e.Type == tar.TypeReg {
		h.Size = e.Size
	}
	return h
}

func (w *writer) extra(x Extra) error {
	if x.File == "" {
		return w.whiteout(x.Entry.Path, &op{gone: true})
	}
	r, err := os.Open(x.File)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	h := headerOf(x.Entry.Path, x.Entry)
	h.Typeflag, h.Linkname, h.Size = tar.TypeReg, "", info.Size()
	h.ModTime = w.t.o.Time.UTC().Truncate(time.Second)
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(w.tar, r)
	return err
}

// inode names a set of hard links of a package.
type inode struct{ device, inode uint32 }

// payload writes the files of a package. Of hard links, the first that is written has the content,
// whichever has it in the payload.
func (w *writer) payload(f *rpmfile.File) error {
	places := map[int]string{}
	for at, o := range w.t.ops {
		if o.from == f && o.file().Type() != rpm.Folder {
			places[o.index] = at
		}
	}
	sets := map[inode][]int{}
	for n := range f.Files {
		one := &f.Files[n]
		if one.Type() == rpm.Regular && one.Inode != 0 && !one.Is(rpm.Ghost) {
			sets[inode{one.Device, one.Inode}] = append(sets[inode{one.Device, one.Inode}], n)
		}
	}
	return f.Walk(func(n int, content io.Reader) error {
		one := &f.Files[n]
		set := sets[inode{one.Device, one.Inode}]
		if one.Type() != rpm.Regular || len(set) < 2 {
			at, ok := places[n]
			if !ok {
				return nil
			}
			return w.file(at, one, content, one.Size)
		}
		var written []int
		for _, m := range set {
			if _, ok := places[m]; ok {
				written = append(written, m)
			}
		}
		return w.links(f, set, written, places, n, content)
	})
}

// links writes a set of hard links once its content comes.
func (w *writer) links(f *rpmfile.File, set, written []int, places map[int]string, n int, content io.Reader) error {
	if f.Files[n].Size > 0 {
		var first [1]byte
		got, err := io.ReadFull(content, first[:])
		if errors.Is(err, io.EOF) {
			return nil // another of them has the content
		}
		if err != nil {
			return err
		}
		content = io.MultiReader(strings.NewReader(string(first[:got])), content)
	} else if n != set[len(set)-1] {
		return nil
	}
	for k, m := range written {
		if k == 0 {
			if err := w.file(places[m], &f.Files[m], content, f.Files[n].Size); err != nil {
				return err
			}
			continue
		}
		h, err := w.header(places[m], &f.Files[m])
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname = tar.TypeLink, name(places[written[0]])
		if err := w.tar.WriteHeader(h); err != nil {
			return err
		}
	}
	return nil
}

// header is what the layer says of a package's file.
func (w *writer) header(at string, f *rpm.File) (*tar.Header, error) {
	h := &tar.Header{Name: name(at), ModTime: time.Unix(f.Mtime, 0).UTC()}
	h.Uid, h.Gid, h.Mode = w.t.ids.of(f.User, f.Group, int64(f.Mode&0o7777))
	switch f.Type() {
	case rpm.Regular:
		h.Typeflag = tar.TypeReg
		if f.Caps != "" {
			value, err := fileCapabilities(f.Caps)
			if err != nil {
				return nil, err
			}
			h.PAXRecords = records(map[string]string{"security.capability": value})
		}
	case rpm.Symlink:
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
	case rpm.Fifo:
		h.Typeflag = tar.TypeFifo
	case rpm.Char, rpm.Block:
		h.Typeflag = tar.TypeChar
		if f.Type() == rpm.Block {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor, h.Devminor = int64(f.Rdev>>8), int64(f.Rdev&0xff)
	default:
		return nil, fmt.Errorf("a file of mode %o", f.Mode)
	}
	return h, nil
}

func (w *writer) file(at string, f *rpm.File, content io.Reader, size int64) error {
	h, err := w.header(at, f)
	if err != nil {
		return err
	}
	if h.Typeflag == tar.TypeReg {
		h.Size = size
	}
	if err := w.tar.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	_, err = io.Copy(w.tar, content)
	return err
}
