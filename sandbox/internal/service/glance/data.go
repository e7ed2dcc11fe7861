package glance

import (
	"crypto/md5"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// Open returns an image's data and its size in bytes.
func (s *Service) Open(id string) (io.ReadCloser, int64, error) {
	f, err := os.Open(s.data(id))
	if err != nil {
		return nil, 0, fmt.Errorf("opening the data of image %q: %w", id, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("opening the data of image %q: %w", id, err)
	}
	return f, info.Size(), nil
}

func (s *Service) data(id string) string { return filepath.Join(s.dir, "images", filepath.Base(id)) }

func (s *Service) staging(id string) string {
	return filepath.Join(s.dir, "staging", filepath.Base(id))
}

const defaultStore = "file"

// Upload stores an image's data and makes the image active. A failure leaves the image queued.
func (s *Service) Upload(id string, data io.Reader) error {
	if err := s.transit(id, Saving, Queued, Importing); err != nil {
		return err
	}
	if err := s.store(id, data); err != nil {
		_ = s.Update(id, func(i *Image) { i.Status = Queued })
		return err
	}
	return nil
}

// transit moves an image from one of the states to another.
func (s *Service) transit(id, to string, from ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.images.byID[id]
	if !ok {
		return notFound(id)
	}
	if !slices.Contains(from, i.Status) {
		return answer.Fail(http.StatusConflict, "Image status transition from %s to %s is not allowed", i.Status, to)
	}
	i.Status, i.UpdatedAt = to, s.now()
	return nil
}

// store writes an image's data and makes it active.
func (s *Service) store(id string, data io.Reader) error {
	sums, size, err := s.write(s.data(id), id, data)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.images.byID[id]
	if !ok {
		_ = os.Remove(s.data(id))
		return answer.Fail(http.StatusGone, "Image %s could not be found after upload. The image may have been deleted during the upload.",
			id)
	}
	i.Size, i.Checksum, i.HashAlgo, i.HashValue = size, sums.md5, "sha512", sums.sha512
	i.Status, i.UpdatedAt = Active, s.now()
	if i.DiskFormat == "raw" {
		i.VirtualSize = size
	}
	return nil
}

type sums struct{ md5, sha512 string }

// write copies data into a file within the size quotas of the image's owner.
func (s *Service) write(path, id string, data io.Reader) (sums, int64, error) {
	limit := s.room(id)
	f, err := os.CreateTemp(filepath.Dir(path), ".incoming-*")
	if err != nil {
		return sums{}, 0, fmt.Errorf("storing the data of image %q: %w", id, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	m, h := md5.New(), sha512.New() // #nosec G401 -- see above
	if limit >= 0 {
		data = io.LimitReader(data, limit+1)
	}
	size, err := io.Copy(io.MultiWriter(f, m, h), data)
	switch {
	case err != nil:
		return sums{}, 0, answer.Fail(http.StatusBadRequest, "Error in store configuration or reading the data of image %s: %v", id, err)
	case limit >= 0 && size > limit:
		return sums{}, 0, answer.Fail(http.StatusRequestEntityTooLarge,
			"The size of the data %d will exceed the limit. %d bytes remaining.", size, limit)
	}
	if err := f.Close(); err != nil {
		return sums{}, 0, fmt.Errorf("storing the data of image %q: %w", id, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return sums{}, 0, fmt.Errorf("storing the data of image %q: %w", id, err)
	}
	return sums{hex.EncodeToString(m.Sum(nil)), hex.EncodeToString(h.Sum(nil))}, size, nil
}
