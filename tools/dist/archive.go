package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// zip makes an archive of one program.
func (r *release) zip(to, program string) (err error) {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := zip.NewWriter(f)
	header := &zip.FileHeader{Name: filepath.Base(program), Method: zip.Deflate, Modified: r.at}
	header.SetMode(0o755)
	in, err := w.CreateHeader(header)
	if err != nil {
		return err
	}
	if err := copyFile(in, program); err != nil {
		return err
	}
	return w.Close()
}

// tarball makes an archive of a folder, under the folder's name.
func (r *release) tarball(to, tree string) (err error) {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	err = r.each(tree, func(path, relative string, mode fs.FileMode) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		h := &tar.Header{
			Name: filepath.Join(filepath.Base(tree), relative), Mode: int64(mode), ModTime: r.at, Format: tar.FormatPAX,
			Typeflag: tar.TypeReg, Size: info.Size(), Uname: "root", Gname: "root",
		}
		if info.IsDir() {
			h.Typeflag, h.Name, h.Size = tar.TypeDir, h.Name+"/", 0
		}
		if err := w.WriteHeader(h); err != nil || info.IsDir() {
			return err
		}
		return copyFile(w, path)
	})
	return errors.Join(err, w.Close(), z.Close())
}

// each visits the files and folders of a tree in order, with the mode that they get: whose umask made the
// tree doesn't matter.
func (r *release) each(tree string, visit func(path, relative string, mode fs.FileMode) error) error {
	return filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(tree, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if d.IsDir() || info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		return visit(path, relative, mode)
	})
}

func copyFile(to io.Writer, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(to, f)
	return err
}
