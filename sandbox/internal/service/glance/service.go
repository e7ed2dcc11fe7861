package glance

import (
	"cmp"
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

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Options says where a Service keeps data and what its limits are.
type Options struct {
	Dir    string       // folder for image data; must exist
	Clock  *front.Clock // runs imports
	Quotas Quotas
}

// Quotas are Glance's limits; 0 = Glance's default, below 0 = none.
type Quotas struct {
	Members    int   // per image; default 128
	Properties int   // per image; default 128
	Tags       int   // per image; default 128
	SizeTotal  int64 // bytes of all images of a project, which an upload may not exceed; default none
	Size       int64 // bytes of one image; default none

	// Limits of a project that Keystone keeps for Glance. An upload is refused when the project is over
	// MiBTotal already; it may itself go over it.
	CountTotal int // images; default none
	MiBTotal   int // MiB of all images, rounded down; default none

	Page    int // images of a page where the request doesn't say; default 25
	MaxPage int // most images of a page; default 1000
}

func (q Quotas) withDefaults() Quotas {
	for _, n := range []*int{&q.Members, &q.Properties, &q.Tags} {
		if *n == 0 {
			*n = 128
		}
	}
	q.Page, q.MaxPage = cmp.Or(q.Page, 25), cmp.Or(q.MaxPage, 1000)
	return q
}

// Service is the image service.
type Service struct {
	dir    string
	clock  *front.Clock
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
func (s *Service) CreateQueued(caller front.Caller, spec Spec) (string, error) {
	i := newImage(caller, spec)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.images.add(i) {
		return "", front.Fail(http.StatusConflict, "Image ID %s already exists!", i.ID)
	}
	return i.ID, nil
}

func newImage(caller front.Caller, spec Spec) *Image {
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

// Fill adds many active images at once, for tests of scale. Their owner, times, sizes and the rest
// come from the records; they have no data, and ids may be empty.
func (s *Service) Fill(images []Image) {
	all := make([]*Image, len(images))
	for k := range images {
		i := images[k]
		if i.ID == "" {
			i.ID = uuid.NewString()
		}
		i.Status, i.members = Active, map[string]*member{}
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
func (s *Service) Visible(caller front.Caller, id string) (Image, bool) {
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

// count is how many images a project has. The caller holds the lock.
func (s *Service) count(project string) int {
	n := 0
	for _, i := range s.images.byID {
		if i.Owner == project {
			n++
		}
	}
	return n
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
	return front.Fail(http.StatusNotFound, "No image found with ID %s", id)
}
