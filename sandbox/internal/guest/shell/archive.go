//go:build linux

package shell

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/klauspost/compress/zstd"
)

func init() {
	register(map[string]command{"tar": tarCommand, "gzip": gzipCommand, "gunzip": gzipCommand, "zcat": gzipCommand})
}

func gzipCommand(p *proc) int {
	f, names, ok := p.options("dckfnqv123456789", "decompress=d", "uncompress=d", "stdout=c", "keep=k", "force=f", "best=9", "fast=1", "no-name=n")
	if !ok {
		return 1
	}
	decompress := f.has('d') || p.name != "gzip"
	filter := func(w io.Writer, r io.Reader) error {
		if decompress {
			z, err := gzip.NewReader(r)
			if err != nil {
				return err
			}
			_, err = io.Copy(w, z)
			return err
		}
		z := gzip.NewWriter(w)
		_, err := io.Copy(z, r)
		return errors.Join(err, z.Close())
	}
	if len(names) == 0 || f.has('c') || p.name == "zcat" {
		return p.inputs(names, func(_ string, r io.Reader) error { return filter(p.out, r) })
	}
	status := 0
	for _, name := range names {
		to := name + ".gz"
		if decompress {
			base, found := strings.CutSuffix(name, ".gz")
			if !found {
				if base, found = strings.CutSuffix(name, ".tgz"); !found {
					status = p.failf("%s: unknown suffix -- ignored", name)
					continue
				}
				base += ".tar"
			}
			to = base
		}
		if err := replaceFile(p.path(name), p.path(to), filter, f.has('k'), f.has('f')); err != nil {
			status = p.fail(err)
		}
	}
	return status
}

func replaceFile(from, to string, filter func(io.Writer, io.Reader) error, keep, force bool) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(to, flags, st.Mode().Perm())
	if err != nil {
		return err
	}
	if err := errors.Join(filter(out, in), out.Close()); err != nil {
		_ = os.Remove(to)
		return err
	}
	if keep {
		return nil
	}
	return os.Remove(from)
}

// archiver is one call of tar.
type archiver struct {
	p       *proc
	f       flags
	dir     string
	exclude []string
	strip   int
}

func tarCommand(p *proc) int {
	if len(p.args) > 0 && !strings.HasPrefix(p.args[0], "-") {
		p.args[0] = "-" + p.args[0] // tar xzf
	}
	f, names, ok := p.options("cxtzjJf:C:vpOkmhPX:s:aoSN", "create=c", "extract=x", "get=x", "list=t", "gzip=z", "file=f", "directory=C", "verbose=v", "preserve-permissions=p",
		"to-stdout=O", "strip-components=s", "exclude=X", "same-owner=o", "no-same-owner=N", "zstd=a", "auto-compress=a", "numeric-owner=S", "keep-old-files=k")
	if !ok {
		return 2
	}
	a := &archiver{p: p, f: f, dir: p.path(f.value('C', p.dir)), exclude: f['X'], strip: number(f.value('s', "0"))}
	if f.has('j') || f.has('J') {
		return p.failf("bzip2 and xz are not supported, use gzip or zstd") + 1
	}
	var err error
	switch {
	case f.has('c'):
		err = a.create(names)
	case f.has('x') || f.has('t'):
		err = a.read(names)
	default:
		err = errors.New("you must specify one of the '-ctx' options")
	}
	if err != nil {
		return p.fail(err) + 1
	}
	return 0
}

func (a *archiver) create(names []string) error {
	if len(names) == 0 {
		return errors.New("cowardly refusing to create an empty archive")
	}
	out := a.p.out
	if name := a.f.value('f', "-"); name != "-" {
		o, err := os.Create(a.p.path(name))
		if err != nil {
			return err
		}
		defer o.Close()
		out = o
	}
	finish := func() error { return nil }
	name := a.f.value('f', "")
	switch {
	case a.f.has('z') || a.f.has('a') && (strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".tgz")):
		z := gzip.NewWriter(out)
		out, finish = z, z.Close
	case a.f.has('a') && strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewWriter(out)
		if err != nil {
			return err
		}
		out, finish = z, z.Close
	}
	t := tar.NewWriter(out)
	links := map[[2]uint64]string{}
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(a.dir, name), func(file string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(filepath.Join(a.dir, name), file)
			if err != nil {
				return err
			}
			return a.add(t, links, file, member(name, rel))
		})
		if err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), finish())
}

// member is an archive member's name: as given, with what is below it.
func member(name, rel string) string {
	if rel == "." {
		return strings.TrimPrefix(name, "/")
	}
	return strings.TrimPrefix(strings.TrimSuffix(name, "/")+"/"+rel, "/")
}

func (a *archiver) excluded(name string) bool {
	for _, pattern := range a.exclude {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
		if ok, _ := path.Match(pattern, path.Base(name)); ok {
			return true
		}
		if strings.HasPrefix(strings.TrimPrefix(name, "./"), strings.TrimPrefix(pattern, "./")+"/") {
			return true
		}
	}
	return false
}

func (a *archiver) add(t *tar.Writer, links map[[2]uint64]string, file, name string) error {
	st, err := os.Lstat(file)
	if err != nil {
		return err
	}
	if a.excluded(name) {
		if st.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if st.Mode()&fs.ModeSocket != 0 {
		return nil
	}
	target := ""
	if st.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(file); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(st, target)
	if err != nil {
		return err
	}
	h.Name = name
	h.Uname, h.Gname = userName(h.Uid), groupName(h.Gid)
	if st.IsDir() && !strings.HasSuffix(name, "/") {
		h.Name += "/"
	}
	if s := st.Sys().(*syscall.Stat_t); st.Mode().IsRegular() && s.Nlink > 1 {
		key := [2]uint64{uint64(s.Dev), s.Ino}
		if first, ok := links[key]; ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
		} else {
			links[key] = h.Name
		}
	}
	if a.f.has('v') {
		fmt.Fprintln(a.p.err, h.Name)
	}
	if err := t.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(t, f)
	return err
}

func (a *archiver) read(names []string) error {
	return a.p.input(a.f.value('f', "-"), func(_ string, r io.Reader) error {
		plain, done, err := decompressed(r)
		if err != nil {
			return err
		}
		defer done()
		t := tar.NewReader(plain)
		found := map[string]bool{}
		for {
			h, err := t.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if !wanted(h.Name, names, found) || a.excluded(strings.TrimSuffix(h.Name, "/")) {
				continue
			}
			if err := a.member(h, t); err != nil {
				return fmt.Errorf("%s: %w", h.Name, err)
			}
		}
		for _, n := range names {
			if !found[n] {
				return fmt.Errorf("%s: Not found in archive", n)
			}
		}
		return nil
	})
}

func wanted(name string, names []string, found map[string]bool) bool {
	for _, n := range names {
		if strings.TrimSuffix(name, "/") == strings.TrimSuffix(n, "/") || strings.HasPrefix(name, strings.TrimSuffix(n, "/")+"/") {
			found[n] = true
			return true
		}
	}
	return len(names) == 0
}

// decompressed tells gzip, zstd and plain data apart.
func decompressed(r io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, _ := b.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		return z, func() {}, err
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}

func (a *archiver) member(h *tar.Header, r io.Reader) error {
	name := path.Clean("/" + h.Name)[1:]
	for range a.strip {
		_, rest, _ := strings.Cut(name, "/")
		name = rest
	}
	if a.f.has('t') || a.f.has('v') {
		fmt.Fprintln(a.p.out, h.Name)
	}
	if name == "" || a.f.has('t') {
		return nil
	}
	if a.f.has('O') {
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		_, err := io.Copy(a.p.out, r)
		return err
	}
	return a.extract(h, r, filepath.Join(a.dir, name))
}

func (a *archiver) extract(h *tar.Header, r io.Reader, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeDir {
		_ = os.Remove(file)
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := os.MkdirAll(file, 0o755); err != nil {
			return err
		}
	case tar.TypeReg:
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, r); err != nil {
			f.Close()
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := os.Symlink(h.Linkname, file); err != nil {
			return err
		}
	case tar.TypeLink:
		return os.Link(filepath.Join(a.dir, path.Clean("/"+h.Linkname)), file)
	default:
		return nil
	}
	if os.Geteuid() == 0 && !a.f.has('N') {
		if err := lchown(file, h.Uid, h.Gid); err != nil {
			return err
		}
	}
	if h.Typeflag == tar.TypeSymlink {
		return nil
	}
	mode := h.FileInfo().Mode()
	if err := os.Chmod(file, mode); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir || a.f.has('m') {
		return nil
	}
	return os.Chtimes(file, h.ModTime, h.ModTime)
}
