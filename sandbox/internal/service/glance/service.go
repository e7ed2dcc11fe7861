// Package glance is the sandbox's image service: the Image API v2 with the real one's rules of
// visibility, members, patches, quotas and paging. Image data lives in files below one folder.
package glance

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Options says where a Service keeps data and what its limits are.
type Options struct {
	Dir    string       // folder for image data; must exist
	Clock  *front.Clock // runs imports
	Quotas Quotas
}

// Service is the image service.
type Service struct {
	dir    string
	clock  *front.Clock
	quotas Quotas

	// InUse reports whether something keeps an image from being deleted; nil = nothing does.
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

// CreateQueued creates an image record without data and returns its id. It is for other services,
// so neither quotas nor reserved names are checked.
func (s *Service) CreateQueued(caller front.Caller, spec Spec) (string, error) {
	i := s.newImage(caller, spec)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.images.add(i) {
		return "", answer.Fail(http.StatusConflict, "Image ID %s already exists!", i.ID)
	}
	return i.ID, nil
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
			i.CreatedAt = s.now()
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

// Named are the images of a name that the caller may use, hidden ones left out.
func (s *Service) Named(caller front.Caller, name string) []Image {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []Image
	for _, i := range s.images.byID {
		if i.Name == name && !i.Hidden && visible(caller, i) {
			found = append(found, i.clone())
		}
	}
	return found
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
	i.UpdatedAt = s.now()
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

// remove forgets an image and its data. The caller holds the lock.
func (s *Service) remove(i *Image) {
	s.images.remove(i)
	i.Status = Deleted
	_ = os.Remove(s.data(i.ID))
	_ = os.Remove(s.staging(i.ID))
}
