package cinder

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// Images is what volumes need of the image service.
type Images interface {
	Visible(caller front.Caller, id string) (glance.Image, bool)
	Open(id string) (io.ReadCloser, int64, error)
	CreateQueued(caller front.Caller, spec glance.Spec) (string, error)
	Upload(id string, data io.Reader) error
	SetStatus(id, status string) error
}

// Options configures a Service.
type Options struct {
	Dir    string       // folder for the volumes' content
	Clock  *front.Clock // runs the changes of state
	Images Images
	Quotas Quotas
}

// Quotas are limits per project; 0 = Cinder's default, below 0 = none.
type Quotas struct {
	Volumes   int // default 10
	Gigabytes int // default 1000
	Snapshots int // default 10
}

func (q Quotas) withDefaults() Quotas {
	for _, d := range []struct {
		n     *int
		value int
	}{{&q.Volumes, 10}, {&q.Gigabytes, 1000}, {&q.Snapshots, 10}} {
		if *d.n == 0 {
			*d.n = d.value
		}
	}
	return q
}

// Zone is the one availability zone.
const Zone = "nova"

// types are the volume types, the default one first.
var types = []volumeType{
	{"6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a01", "__DEFAULT__", "Default Volume Type"},
	{"6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a02", "fast", ""},
}

type volumeType struct{ id, name, description string }

// Service is the block storage service.
type Service struct {
	dir    string
	clock  *front.Clock
	images Images
	quotas Quotas

	mu        sync.RWMutex
	volumes   map[string]*Volume
	snapshots map[string]*Snapshot
}

// New returns a block storage service without volumes.
func New(o Options) (*Service, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the folder of volumes: %w", err)
	}
	return &Service{
		dir: o.Dir, clock: o.Clock, images: o.Images, quotas: o.Quotas.withDefaults(),
		volumes: map[string]*Volume{}, snapshots: map[string]*Snapshot{},
	}, nil
}

// room checks the quotas for one more volume. The caller holds the lock.
func (s *Service) room(project string, size int) error {
	n, sum := s.usage(project)
	if q := s.quotas.Volumes; q >= 0 && n >= q {
		return front.Fail(http.StatusRequestEntityTooLarge, "VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", q)
	}
	if q := s.quotas.Gigabytes; q >= 0 && sum+size > q {
		return front.Fail(http.StatusRequestEntityTooLarge, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested %dG, quota is %dG and %dG has been consumed.", size, q, sum)
	}
	return nil
}

func (s *Service) usage(project string) (volumes, gigabytes int) {
	for _, v := range s.volumes {
		if v.ProjectID == project {
			volumes++
			gigabytes += v.Size
		}
	}
	return volumes, gigabytes
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

func (s *Service) setStatus(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.volumes[id]; v != nil {
		v.Status, v.UpdatedAt = status, time.Now()
	}
}

// may tells whether the caller sees what a project owns.
func may(c front.Caller, project string) bool { return c.Is("admin") || c.ProjectID == project }

func typeName(want string) (string, error) {
	if want == "" {
		return types[0].name, nil
	}
	for _, t := range types {
		if t.id == want || t.name == want {
			return t.name, nil
		}
	}
	return "", front.Fail(http.StatusNotFound, "Volume type with name %s could not be found.", want)
}

func notFound(id string) error {
	return front.Fail(http.StatusNotFound, "Volume %s could not be found.", id)
}

func invalid(format string, args ...any) error {
	return front.Fail(http.StatusBadRequest, "Invalid input received: "+format, args...)
}

func invalidVolume(format string, args ...any) error {
	return front.Fail(http.StatusBadRequest, "Invalid volume: "+format, args...)
}

var deletable = []string{Available, Error, "error_restoring", "error_extending", "error_managing"}

// Delete begins to delete a volume that is attached to nothing.
func (s *Service) Delete(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.volumes[id]
	if v == nil {
		return notFound(id)
	}
	return s.delete(v, deletable)
}

// delete begins to delete a volume that is in one of the states. The caller holds the lock.
func (s *Service) delete(v *Volume, in []string) error {
	hasSnapshots := false
	for _, o := range s.snapshots {
		hasSnapshots = hasSnapshots || o.VolumeID == v.ID
	}
	if hasSnapshots || !slices.Contains(in, v.Status) {
		return invalidVolume("Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.")
	}
	v.Status = Deleting
	id := v.ID
	s.clock.After(func(context.Context) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.volumes, id)
		_ = os.Remove(s.content(id))
	})
	return nil
}
