//go:build linux

package userland

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// source sends the named files.
func (s *scpSide) source(names []string) error {
	if err := s.answer(); err != nil {
		return err
	}
	for _, name := range names {
		matches, _ := filepath.Glob(s.p.Path(name))
		if len(matches) == 0 {
			matches = []string{s.p.Path(name)}
		}
		for _, m := range matches {
			if err := s.send(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scpSide) complain(err error) error {
	s.status = 1
	_, werr := fmt.Fprintf(s.p.Out, "\x01scp: %v\n", err)
	return werr
}

func (s *scpSide) send(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return s.complain(fmt.Errorf("%s: %s", path, Reason(err)))
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return s.complain(err)
	}
	if s.times {
		fmt.Fprintf(s.p.Out, "T%d 0 %d 0\n", st.ModTime().Unix(), st.ModTime().Unix())
		if err := s.answer(); err != nil {
			return err
		}
	}
	if st.IsDir() {
		return s.sendDir(path, st)
	}
	if !st.Mode().IsRegular() {
		return s.complain(fmt.Errorf("%s: not a regular file", path))
	}
	fmt.Fprintf(s.p.Out, "C%04o %d %s\n", st.Mode().Perm(), st.Size(), filepath.Base(path))
	if err := s.answer(); err != nil {
		return err
	}
	if _, err := io.CopyN(s.p.Out, f, st.Size()); err != nil {
		return err
	}
	if err := s.ok(); err != nil {
		return err
	}
	return s.answer()
}

func (s *scpSide) sendDir(path string, st os.FileInfo) error {
	if !s.recursive {
		return s.complain(fmt.Errorf("%s: not a regular file", path))
	}
	fmt.Fprintf(s.p.Out, "D%04o 0 %s\n", st.Mode().Perm(), filepath.Base(path))
	if err := s.answer(); err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.send(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	fmt.Fprint(s.p.Out, "E\n")
	return s.answer()
}
