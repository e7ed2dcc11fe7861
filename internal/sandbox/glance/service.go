package glance

import (
	"crypto/md5" // #nosec G501 -- the checksum that the Image API defines
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/sandbox/wire"
)

// Options says where a Service keeps data and what its limits are.
type Options struct {
	Dir    string      // folder for image data; must exist
	Clock  *wire.Clock // runs imports
	Quotas Quotas
}

// Quotas are Glance's limits; 0 = Glance's default, below 0 = none.
type Quotas struct {
	Members    int   // per image; default 128
	Properties int   // per image; default 128
	Tags       int   // per image; default 128
	SizeTotal  int64 // bytes of all images of a project; default none
	Size       int64 // bytes of one image; default none
}

func (q Quotas) withDefaults() Quotas {
	for _, n := range []*int{&q.Members, &q.Properties, &q.Tags} {
		if *n == 0 {
			*n = 128
		}
	}
	return q
}

// Service is the image service.
type Service struct {
	dir    string
	clock  *wire.Clock
	quotas Quotas

	// InUse tells whether something keeps an image from being deleted; nil = nothing does.
	InUse func(id string) bool

	mu     sync.RWMutex
	images store
}

// New returns an empty image service.
func New(o Options) (*Service, error) {
	for _, sub := range []string{"images", "staging"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("creating the image store: %w", err)
		}
	}
	return &Service{
		dir: o.Dir, clock: o.Clock, quotas: o.Quotas.withDefaults(),
		images: store{byID: map[string]*Image{}, taken: map[string]bool{}},
	}, nil
}

// Spec is what a new image is to be.
type Spec struct {
	ID                          string // "" = a new one
	Name, Owner                 string // Owner "" = the caller's project
	Visibility                  string // "" = shared
	DiskFormat, ContainerFormat string
	MinDisk, MinRAM             int
	Protected, Hidden           bool
	Tags                        []string
	Properties                  map[string]string
	CreatedAt                   time.Time // zero = now
}

// CreateQueued creates an image record without data and returns its id. It is for other services,
// so neither quotas nor reserved names are checked.
func (s *Service) CreateQueued(caller wire.Caller, spec Spec) (string, error) {
	i := newImage(caller, spec)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.images.add(i) {
		return "", wire.Fail(http.StatusConflict, "Image ID %s already exists!", i.ID)
	}
	return i.ID, nil
}

func newImage(caller wire.Caller, spec Spec) *Image {
	t := now()
	if !spec.CreatedAt.IsZero() {
		t = spec.CreatedAt.UTC().Truncate(time.Second)
	}
	i := &Image{
		ID: spec.ID, Name: spec.Name, Status: Queued, Visibility: spec.Visibility, Owner: spec.Owner,
		Protected: spec.Protected, Hidden: spec.Hidden,
		DiskFormat: spec.DiskFormat, ContainerFormat: spec.ContainerFormat, Size: -1, VirtualSize: -1,
		MinDisk: spec.MinDisk, MinRAM: spec.MinRAM, Tags: slices.Clone(spec.Tags), Properties: map[string]string{},
		CreatedAt: t, UpdatedAt: t, members: map[string]*member{},
	}
	maps.Copy(i.Properties, spec.Properties)
	if i.ID == "" {
		i.ID = uuid.NewString()
	}
	if i.Visibility == "" {
		i.Visibility = Shared
	}
	if i.Owner == "" {
		i.Owner = caller.ProjectID
	}
	slices.Sort(i.Tags)
	i.Tags = slices.Compact(i.Tags)
	return i
}

// Fill adds many active images of one byte at once, for tests of scale. Their owner, times and the
// rest come from the records; ids may be empty.
func (s *Service) Fill(images []Image) {
	all := make([]*Image, len(images))
	for k := range images {
		i := images[k]
		if i.ID == "" {
			i.ID = uuid.NewString()
		}
		i.Status, i.Size, i.members = Active, 1, map[string]*member{}
		if i.Visibility == "" {
			i.Visibility = Shared
		}
		if i.DiskFormat == "" {
			i.DiskFormat, i.ContainerFormat = "raw", "bare"
		}
		if i.CreatedAt.IsZero() {
			i.CreatedAt = now()
		}
		if i.UpdatedAt.IsZero() {
			i.UpdatedAt = i.CreatedAt
		}
		all[k] = &i
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images.addAll(all)
}

// Image returns a copy of an image record, whoever may see it.
func (s *Service) Image(id string) (Image, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, ok := s.images.byID[id]
	if !ok {
		return Image{}, false
	}
	return i.clone(), true
}

// Visible returns a copy of an image record if the caller may see it by its id.
func (s *Service) Visible(caller wire.Caller, id string) (Image, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, ok := s.images.byID[id]
	if !ok || !visible(caller, i) {
		return Image{}, false
	}
	return i.clone(), true
}

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

// SetStatus changes the status of an image, such as to Killed.
func (s *Service) SetStatus(id, status string) error {
	return s.Update(id, func(i *Image) { i.Status = status })
}

// Update changes an image record in place; other services use it to add what they know.
func (s *Service) Update(id string, change func(*Image)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.images.byID[id]
	if !ok {
		return notFound(id)
	}
	change(i)
	i.UpdatedAt = now()
	return nil
}

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

// Delete removes an image, whoever owns it and whether or not it is protected.
func (s *Service) Delete(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.images.byID[id]
	if !ok {
		return notFound(id)
	}
	s.remove(i)
	return nil
}

// Used is the sum of the sizes in bytes of a project's images.
func (s *Service) Used(project string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.used(project)
}

func (s *Service) used(project string) int64 {
	var sum int64
	for _, i := range s.images.byID {
		if i.Owner == project && i.Size > 0 {
			sum += i.Size
		}
	}
	return sum
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
		return wire.Fail(http.StatusConflict, "Image status transition from %s to %s is not allowed", i.Status, to)
	}
	i.Status, i.UpdatedAt = to, now()
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
		return wire.Fail(http.StatusGone, "Image %s could not be found after upload. The image may have been deleted during the upload.", id)
	}
	i.Size, i.Checksum, i.HashAlgo, i.HashValue = size, sums.md5, "sha512", sums.sha512
	i.Status, i.UpdatedAt = Active, now()
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
		return sums{}, 0, wire.Fail(http.StatusBadRequest, "Error in store configuration or reading the data of image %s: %v", id, err)
	case limit >= 0 && size > limit:
		return sums{}, 0, wire.Fail(http.StatusRequestEntityTooLarge,
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

// room is how many bytes more the quotas allow for an image; -1 = no limit.
func (s *Service) room(id string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	room := int64(-1)
	if s.quotas.Size > 0 {
		room = s.quotas.Size
	}
	if i, ok := s.images.byID[id]; ok && s.quotas.SizeTotal > 0 {
		left := max(0, s.quotas.SizeTotal-s.used(i.Owner))
		if room < 0 || left < room {
			room = left
		}
	}
	return room
}

// remove forgets an image and its data. The caller holds the lock.
func (s *Service) remove(i *Image) {
	s.images.remove(i)
	i.Status = Deleted
	_ = os.Remove(s.data(i.ID))
	_ = os.Remove(s.staging(i.ID))
}

func (s *Service) data(id string) string { return filepath.Join(s.dir, "images", filepath.Base(id)) }

func (s *Service) staging(id string) string {
	return filepath.Join(s.dir, "staging", filepath.Base(id))
}

const defaultStore = "file"

func notFound(id string) error {
	return wire.Fail(http.StatusNotFound, "No image found with ID %s", id)
}
