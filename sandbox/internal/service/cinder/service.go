// Package cinder is the sandbox's block storage service: volumes, snapshots, backups and volume types of the
// Block Storage API v3. Like an image, a volume holds the archive of a root file system, so that servers booted from
// it have an inside and images made from it keep what was written.
package cinder

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
)

// Images is what volumes need of the image service.
type Images interface {
	Visible(caller front.Caller, id string) (glance.Image, bool)
	Named(caller front.Caller, name string) []glance.Image
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

// Service is the block storage service.
type Service struct {
	dir    string
	clock  *front.Clock
	images Images
	quotas Quotas

	mu         sync.RWMutex
	volumes    map[string]*Volume
	order      []*Volume // by creation
	snapshots  *resource.Table
	backups    *resource.Table
	types      *resource.Table
	qos        *resource.Table
	groupTypes *resource.Table
	transfers  *resource.Table
	limited    map[string]map[string]int // quotas that aren't the defaults, by project
}

// New returns a block storage service without volumes.
func New(o Options) (*Service, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the folder of volumes: %w", err)
	}
	s := &Service{dir: o.Dir, clock: o.Clock, images: o.Images, quotas: o.Quotas.withDefaults(), volumes: map[string]*Volume{}}
	s.limited = map[string]map[string]int{}
	s.snapshots, s.backups, s.types = s.snapshotTable(), s.backupTable(), s.typeTable()
	s.qos, s.transfers, s.groupTypes = s.qosTable(), s.transferTable(), s.groupTypeTable()
	return s, nil
}

func (s *Service) setStatus(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.volumes[id]; v != nil {
		v.Status, v.UpdatedAt = status, s.clock.Now()
	}
}
