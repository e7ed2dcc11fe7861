//go:build linux

package userland

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

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

func (a *archiver) member(h *tar.Header, r io.Reader) error {
	name := path.Clean("/" + h.Name)[1:]
	for range a.strip {
		_, rest, _ := strings.Cut(name, "/")
		name = rest
	}
	if a.f.has('t') || a.f.has('v') {
		fmt.Fprintln(a.p.Out, h.Name)
	}
	if name == "" || a.f.has('t') {
		return nil
	}
	if a.f.has('O') {
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		_, err := io.Copy(a.p.Out, r)
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
