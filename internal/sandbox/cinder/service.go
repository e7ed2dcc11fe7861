package cinder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/sandbox/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/sandbox/wire"
)

// Images is what volumes need of the image service.
type Images interface {
	Visible(caller wire.Caller, id string) (glance.Image, bool)
	Open(id string) (io.ReadCloser, int64, error)
	CreateQueued(caller wire.Caller, spec glance.Spec) (string, error)
	Upload(id string, data io.Reader) error
	SetStatus(id, status string) error
}

// Options configures a Service.
type Options struct {
	Dir    string      // folder for the volumes' content
	Clock  *wire.Clock // runs the changes of state
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
var types = []struct{ id, name string }{
	{"6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a01", "__DEFAULT__"},
	{"6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a02", "fast"},
}

// Service is the block storage service.
type Service struct {
	dir    string
	clock  *wire.Clock
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

// Spec is what a new volume is to be. At most one of the sources is set.
type Spec struct {
	Name, Description                   string
	Size                                int // GiB; 0 = the source's
	Type, Zone                          string
	Metadata                            map[string]string
	ImageID, SnapshotID, SourceVolumeID string
	Multiattach                         bool
}

// Create begins to create a volume, and returns it as it is then: in the state Creating.
func (s *Service) Create(caller wire.Caller, spec Spec) (Volume, error) {
	v := &Volume{
		ID: uuid.NewString(), Name: spec.Name, Description: spec.Description, Status: Creating,
		ProjectID: caller.ProjectID, UserID: caller.UserID, Size: spec.Size, Zone: spec.Zone, Multiattach: spec.Multiattach,
		Metadata: spec.Metadata, SnapshotID: spec.SnapshotID, SourceVolumeID: spec.SourceVolumeID, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	if v.Zone == "" {
		v.Zone = Zone
	} else if v.Zone != Zone {
		return Volume{}, invalid("Availability zone '%s' is invalid.", v.Zone)
	}
	var err error
	if v.Type, err = typeName(spec.Type); err != nil {
		return Volume{}, err
	}
	if spec.ImageID != "" {
		if err := s.describe(caller, v, spec.ImageID); err != nil {
			return Volume{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	content, err := s.source(caller, v, spec)
	if err != nil {
		return Volume{}, err
	}
	if v.Size <= 0 {
		return Volume{}, invalid("Volume size '%d' must be an integer and greater than 0", v.Size)
	}
	if err := s.room(caller.ProjectID, v.Size); err != nil {
		return Volume{}, err
	}
	s.volumes[v.ID] = v
	id := v.ID
	s.clock.After(func(ctx context.Context) { s.fill(ctx, id, content) })
	return v.clone(), nil
}

// describe checks the image that a volume is to be made from and copies what it says of itself.
func (s *Service) describe(caller wire.Caller, v *Volume, image string) error {
	i, ok := s.images.Visible(caller, image)
	if !ok {
		return wire.Fail(http.StatusBadRequest, "Invalid image identifier or unable to access requested image.")
	}
	if i.Status != glance.Active {
		return invalid("Image %s is not active.", image)
	}
	if gib := int((i.Size + 1<<30 - 1) >> 30); v.Size > 0 && v.Size < gib {
		return invalid("Size of specified image %dGB is larger than volume size %dGB.", gib, v.Size)
	}
	if v.Size > 0 && v.Size < i.MinDisk {
		return invalid("Volume size %dGB cannot be smaller than the image minDisk size %dGB.", v.Size, i.MinDisk)
	}
	v.Bootable = true
	v.ImageMetadata = map[string]string{
		"image_id": i.ID, "image_name": i.Name, "checksum": i.Checksum, "container_format": i.ContainerFormat, "disk_format": i.DiskFormat,
		"min_disk": strconv.Itoa(i.MinDisk), "min_ram": strconv.Itoa(i.MinRAM), "size": strconv.FormatInt(i.Size, 10),
	}
	maps.Copy(v.ImageMetadata, i.Properties)
	return nil
}

// source returns how to open what a volume is filled with, nil for a blank one. The caller holds the lock.
func (s *Service) source(caller wire.Caller, v *Volume, spec Spec) (func() (io.ReadCloser, error), error) {
	var path string
	var size int
	switch {
	case spec.ImageID != "":
		return func() (io.ReadCloser, error) {
			body, _, err := s.images.Open(spec.ImageID)
			return body, err
		}, nil
	case spec.SnapshotID != "":
		o := s.snapshots[spec.SnapshotID]
		if o == nil || !may(caller, o.ProjectID) {
			return nil, wire.Fail(http.StatusNotFound, "Snapshot %s could not be found.", spec.SnapshotID)
		}
		path, size = s.content(o.ID), o.Size
		if from := s.volumes[o.VolumeID]; from != nil {
			v.Bootable, v.ImageMetadata = from.Bootable, from.clone().ImageMetadata
		}
	case spec.SourceVolumeID != "":
		o := s.volumes[spec.SourceVolumeID]
		if o == nil || !may(caller, o.ProjectID) {
			return nil, notFound(spec.SourceVolumeID)
		}
		path, size = s.content(o.ID), o.Size
		v.Bootable, v.ImageMetadata = o.Bootable, o.clone().ImageMetadata
	default:
		return nil, nil
	}
	if v.Size == 0 {
		v.Size = size
	}
	if v.Size < size {
		return nil, invalid("Volume size '%d'GB cannot be smaller than original volume size %dGB. They must be >= original volume size.", v.Size, size)
	}
	return func() (io.ReadCloser, error) {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil // a blank volume
		}
		return f, err
	}, nil
}

// fill takes a new volume through its states to Available, or to Error.
func (s *Service) fill(ctx context.Context, id string, open func() (io.ReadCloser, error)) {
	if open == nil {
		s.setStatus(id, Available)
		return
	}
	s.setStatus(id, Downloading)
	if s.clock.Wait(ctx) != nil {
		return
	}
	body, err := open()
	if err == nil && body != nil {
		err = s.write(id, body)
		body.Close()
	}
	if err != nil {
		s.setStatus(id, Error)
		return
	}
	s.setStatus(id, Available)
}

// room checks the quotas for one more volume. The caller holds the lock.
func (s *Service) room(project string, size int) error {
	n, sum := s.usage(project)
	if q := s.quotas.Volumes; q >= 0 && n >= q {
		return wire.Fail(http.StatusRequestEntityTooLarge, "VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", q)
	}
	if q := s.quotas.Gigabytes; q >= 0 && sum+size > q {
		return wire.Fail(http.StatusRequestEntityTooLarge, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested %dG, quota is %dG and %dG has been consumed.", size, q, sum)
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
func may(c wire.Caller, project string) bool { return c.Is("admin") || c.ProjectID == project }

func typeName(want string) (string, error) {
	if want == "" {
		return types[0].name, nil
	}
	for _, t := range types {
		if t.id == want || t.name == want {
			return t.name, nil
		}
	}
	return "", wire.Fail(http.StatusNotFound, "Volume type with name %s could not be found.", want)
}

func notFound(id string) error {
	return wire.Fail(http.StatusNotFound, "Volume %s could not be found.", id)
}

func invalid(format string, args ...any) error {
	return wire.Fail(http.StatusBadRequest, "Invalid input received: "+format, args...)
}

func invalidVolume(format string, args ...any) error {
	return wire.Fail(http.StatusBadRequest, "Invalid volume: "+format, args...)
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
