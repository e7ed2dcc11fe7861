package cinder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Open returns what a volume holds and its size in bytes; a blank one holds an empty archive.
func (s *Service) Open(id string) (io.ReadCloser, int64, error) {
	f, err := os.Open(s.content(id))
	if errors.Is(err, os.ErrNotExist) {
		return io.NopCloser(bytes.NewReader(emptyArchive)), int64(len(emptyArchive)), nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("opening volume %q: %w", id, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("opening volume %q: %w", id, err)
	}
	return f, info.Size(), nil
}

// emptyArchive is a tar archive of nothing.
var emptyArchive = make([]byte, 1024)

// Save replaces what a volume holds: the server that it was attached to has written to it.
func (s *Service) Save(id string, data io.Reader) error {
	if _, ok := s.Volume(id); !ok {
		return notFound(id)
	}
	return s.write(id, data)
}

// write replaces a volume's or snapshot's content.
func (s *Service) write(id string, data io.Reader) error {
	f, err := os.CreateTemp(s.dir, ".incoming-*")
	if err != nil {
		return fmt.Errorf("writing volume %q: %w", id, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := io.Copy(f, data); err != nil {
		return fmt.Errorf("writing volume %q: %w", id, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing volume %q: %w", id, err)
	}
	return os.Rename(f.Name(), s.content(id))
}

func (s *Service) content(id string) string { return filepath.Join(s.dir, filepath.Base(id)) }
