package cinder

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Snapshot returns a copy of a snapshot if the caller may see it.
func (s *Service) Snapshot(caller front.Caller, id string) (Snapshot, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.snapshots[id]
	if !ok || !may(caller, o.ProjectID) {
		return Snapshot{}, false
	}
	return *o, true
}

// Snapshot is a snapshot of a volume.
type Snapshot struct {
	ID, Name, Description, Status, VolumeID, ProjectID string
	Size                                               int
	Metadata                                           map[string]string
	CreatedAt                                          time.Time
}

func (o *Snapshot) body() map[string]any {
	return map[string]any{
		"id": o.ID, "name": o.Name, "description": orNull(o.Description), "status": o.Status, "volume_id": o.VolumeID, "size": o.Size,
		"metadata": o.Metadata, "created_at": stamp(o.CreatedAt), "updated_at": stamp(o.CreatedAt),
		"os-extended-snapshot-attributes:project_id": o.ProjectID, "os-extended-snapshot-attributes:progress": "100%",
	}
}

func (s *Service) snapshot(r *http.Request) (*Snapshot, error) {
	id := r.PathValue("id")
	o := s.snapshots[id]
	if o == nil || !may(front.CallerOf(r), o.ProjectID) {
		return nil, answer.Fail(http.StatusNotFound, "Snapshot %s could not be found.", id)
	}
	return o, nil
}

func (s *Service) listSnapshots(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, q := front.CallerOf(r), r.URL.Query()
	everyones := c.Is("admin") && (q.Get("all_tenants") == "1" || strings.EqualFold(q.Get("all_tenants"), "true"))
	var found []*Snapshot
	for _, o := range s.snapshots {
		if (everyones || o.ProjectID == c.ProjectID) && (!q.Has("volume_id") || q.Get("volume_id") == o.VolumeID) &&
			(!q.Has("name") || q.Get("name") == o.Name) && (!q.Has("status") || q.Get("status") == o.Status) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *Snapshot) int { return b.CreatedAt.Compare(a.CreatedAt) })
	out := []map[string]any{}
	for _, o := range found {
		out = append(out, o.body())
	}
	answer.JSON(w, http.StatusOK, map[string]any{"snapshots": out})
	return nil
}

func (s *Service) showSnapshot(w http.ResponseWriter, r *http.Request) error {
	if r.PathValue("id") == "detail" {
		return s.listSnapshots(w, r)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, err := s.snapshot(r)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{"snapshot": o.body()})
	return nil
}

func (s *Service) createSnapshot(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	if err := writer(c, "volume:create_snapshot"); err != nil {
		return err
	}
	var q struct {
		Snapshot struct {
			VolumeID          string `json:"volume_id"`
			Name, Description string
			Force             bool
			Metadata          map[string]string
		}
	}
	if err := decode(r, &q); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.volumes[q.Snapshot.VolumeID]
	if v == nil || !may(c, v.ProjectID) {
		return notFound(q.Snapshot.VolumeID)
	}
	if v.Status != Available && (!q.Snapshot.Force || v.Status != InUse) {
		return invalidVolume("Volume %s status must be available, but current status is: %s.", v.ID, v.Status)
	}
	if most := s.quotas.Snapshots; most >= 0 && len(s.snapshots) >= most {
		return answer.Fail(http.StatusRequestEntityTooLarge, "SnapshotLimitExceeded: Maximum number of snapshots allowed (%d) exceeded",
			most)
	}
	o := &Snapshot{
		ID: uuid.NewString(), Name: q.Snapshot.Name, Description: q.Snapshot.Description, Status: Creating, VolumeID: v.ID,
		ProjectID: v.ProjectID, Size: v.Size, Metadata: q.Snapshot.Metadata, CreatedAt: s.clock.Now(),
	}
	if o.Metadata == nil {
		o.Metadata = map[string]string{}
	}
	s.snapshots[o.ID] = o
	s.clock.After(func(context.Context) { s.take(o.ID, v.ID) })
	answer.JSON(w, http.StatusAccepted, map[string]any{"snapshot": o.body()})
	return nil
}

// take copies a volume's content into a snapshot.
func (s *Service) take(id, volume string) {
	status := Available
	body, _, err := s.Open(volume)
	if err == nil {
		err = s.write(id, body)
		body.Close()
	}
	if err != nil {
		status = Error
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.snapshots[id]; o != nil {
		o.Status = status
	}
}

func (s *Service) deleteSnapshot(w http.ResponseWriter, r *http.Request) error {
	if err := writer(front.CallerOf(r), "volume:delete_snapshot"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.snapshot(r)
	if err != nil {
		return err
	}
	if o.Status != Available && o.Status != Error {
		return answer.Fail(http.StatusBadRequest, "Invalid snapshot: Snapshot status must be available or error.")
	}
	o.Status = Deleting
	s.clock.After(func(context.Context) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.snapshots, o.ID)
		_ = os.Remove(s.content(o.ID))
	})
	w.WriteHeader(http.StatusAccepted)
	return nil
}
