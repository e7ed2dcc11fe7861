package cinder

import (
	"context"
	"net/http"
	"os"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

const extended = "os-extended-snapshot-attributes:"

func (s *Service) snapshotTable() *resource.Table {
	t := &resource.Table{
		Kind: resource.Kind{
			Name: "snapshot", Plural: "snapshots", Path: "/v3/snapshots", Filters: []string{"name", "status", "volume_id", "project_id"},
		},
		Fields: []resource.Field{
			{Name: "name", Create: true, Update: true},
			{Name: "description", Create: true, Update: true, Null: true},
			{Name: "status", Default: Creating},
			{Name: "volume_id", Required: true},
			{Name: "force", Type: resource.Flag, Create: true, Hidden: true},
			{Name: "size", Type: resource.Whole},
			{Name: "user_id", Since: 41},
			{Name: "group_snapshot_id", Null: true, Since: 14},
			{Name: "metadata", Type: resource.Mapping, Create: true},
			{Name: "created_at", Type: resource.Time},
			{Name: "updated_at", Type: resource.Time},
		},
		Refuse: refusals(), Now: s.clock.Now, Stamp: stamped, Everyones: everyones, Quota: s.quotas.Snapshots, Version: minor,
		Check: s.checkSnapshot,
		Made: func(row *resource.Row) {
			if row.Text("status") == Creating {
				s.clock.After(func(context.Context) { s.take(row.ID(), row.Text("volume_id")) })
			}
		},
		Shape: func(_ *http.Request, row *resource.Row, body map[string]any) {
			body[extended+"project_id"], body[extended+"progress"] = row.Project, "100%"
		},
	}
	t.Going = func(row *resource.Row) (bool, error) {
		if status := row.Text("status"); status != Available && status != Error {
			return false, answer.Fail(http.StatusBadRequest, "Invalid snapshot: Snapshot status must be available or error.")
		}
		row.Set("status", Deleting)
		s.clock.After(func(context.Context) {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Forget(row.ID())
			_ = os.Remove(s.content(row.ID()))
		})
		return true, nil
	}
	t.Brief = func(r *http.Request, o resource.Object) map[string]any {
		b := o.Body(r)
		delete(b, extended+"project_id")
		delete(b, extended+"progress")
		return b
	}
	t.Begun = func(r *http.Request, o resource.Object) map[string]any {
		b := t.Brief(r, o)
		b["updated_at"] = nil
		return b
	}
	return t.Open()
}

func (s *Service) checkSnapshot(_ *http.Request, c front.Caller, row *resource.Row) error {
	id := row.Text("volume_id")
	v := s.volumes[id]
	if v == nil || !may(c, v.ProjectID) {
		return notFound(id)
	}
	if force, _ := row.Values["force"].(bool); v.Status != Available && (!force || v.Status != InUse) {
		return invalidVolume("Volume %s status must be available, but current status is: %s.", v.ID, v.Status)
	}
	row.Project, row.Values["size"], row.Values["user_id"] = v.ProjectID, v.Size, c.UserID
	return nil
}

// Snapshot is a snapshot of a volume.
type Snapshot struct {
	ID, VolumeID string
	Size         int
}

// Snapshot returns a copy of a snapshot if the caller may see it.
func (s *Service) Snapshot(caller front.Caller, id string) (Snapshot, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	row := s.snapshots.Row(id)
	if row == nil || !may(caller, row.Project) {
		return Snapshot{}, false
	}
	return Snapshot{ID: id, VolumeID: row.Text("volume_id"), Size: row.Whole("size")}, true
}

// take copies a volume's content into a snapshot or a backup.
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
	for _, t := range []*resource.Table{s.snapshots, s.backups} {
		if row := t.Row(id); row != nil {
			row.Set("status", status)
		}
	}
}
