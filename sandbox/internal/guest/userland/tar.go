//go:build linux

package userland

import (
	"archive/tar"
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
	register(map[string]Command{"tar": tarCommand, "gzip": gzipCommand, "gunzip": gzipCommand, "zcat": gzipCommand})
}

// archiver is one call of tar.
type archiver struct {
	p       *Proc
	f       flags
	dir     string
	exclude []string
	strip   int
}

func tarCommand(p *Proc) int {
	if len(p.Args) > 0 && !strings.HasPrefix(p.Args[0], "-") {
		p.Args[0] = "-" + p.Args[0] // tar xzf
	}
	f, names, ok := p.options("cxtzjJf:C:vpOkmhPX:s:aoSN", "create=c", "extract=x", "get=x", "list=t", "gzip=z", "file=f", "directory=C",
		"verbose=v", "preserve-permissions=p",
		"to-stdout=O", "strip-components=s", "exclude=X", "same-owner=o", "no-same-owner=N", "zstd=a", "auto-compress=a", "numeric-owner=S",
		"keep-old-files=k")
	if !ok {
		return 2
	}
	a := &archiver{p: p, f: f, dir: p.Path(f.value('C', p.Dir)), exclude: f['X'], strip: number(f.value('s', "0"))}
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
		return p.Fail(err) + 1
	}
	return 0
}

func (a *archiver) create(names []string) error {
	if len(names) == 0 {
		return errors.New("cowardly refusing to create an empty archive")
	}
	out := a.p.Out
	if name := a.f.value('f', "-"); name != "-" {
		o, err := os.Create(a.p.Path(name))
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
	h.Uname, h.Gname = UserName(h.Uid), groupName(h.Gid)
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
		fmt.Fprintln(a.p.Err, h.Name)
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
