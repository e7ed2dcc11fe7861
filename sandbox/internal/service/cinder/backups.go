package cinder

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

func (s *Service) backupTable() *resource.Table {
	t := &resource.Table{
		Kind: resource.Kind{
			Name: "backup", Plural: "backups", Path: "/v3/backups", Filters: []string{"name", "status", "volume_id", "project_id"},
		},
		Fields: []resource.Field{
			{Name: "name", Create: true, Update: true, Null: true},
			{Name: "description", Create: true, Update: true, Null: true},
			{Name: "status", Default: Creating},
			{Name: "volume_id", Required: true},
			{Name: "snapshot_id", Create: true, Null: true},
			{Name: "container", Create: true, Default: "volumes_backup"},
			{Name: "incremental", Type: resource.Flag, Create: true, Hidden: true},
			{Name: "force", Type: resource.Flag, Create: true, Hidden: true},
			{Name: "is_incremental", Type: resource.Flag},
			{Name: "has_dependent_backups", Type: resource.Flag},
			{Name: "size", Type: resource.Whole},
			{Name: "object_count", Type: resource.Whole},
			{Name: "fail_reason", Null: true},
			{Name: "availability_zone", Create: true, Null: true, Default: Zone},
			{Name: "metadata", Type: resource.Mapping, Create: true, Update: true, Since: 43},
			{Name: "data_timestamp", Type: resource.Time},
			{Name: "created_at", Type: resource.Time},
			{Name: "updated_at", Type: resource.Time},
		},
		Refuse: refusals(), Now: s.clock.Now, Stamp: stamped, Everyones: everyones, Quota: s.quotas.Backups, Version: minor,
		Check: s.checkBackup,
		Made: func(row *resource.Row) {
			if row.Text("status") == Creating {
				s.clock.After(func(context.Context) { s.take(row.ID(), row.Text("volume_id")) })
			}
		},
		Shape: func(r *http.Request, row *resource.Row, body map[string]any) {
			body["links"] = links(r, "backups", row.Project, row.ID())
			if minor(r) >= 18 && front.CallerOf(r).Is("admin") {
				body["os-backup-project-attr:project_id"] = row.Project
			}
		},
	}
	t.Brief = func(r *http.Request, o resource.Object) map[string]any {
		b := o.Body(r)
		return map[string]any{"id": b["id"], "name": b["name"], "links": b["links"]}
	}
	t.Begun = t.Brief
	t.Going = func(row *resource.Row) (bool, error) {
		if status := row.Text("status"); status != Available && status != Error {
			return false, answer.Fail(http.StatusBadRequest, "Invalid backup: Backup status must be available or error")
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
	return t.Open()
}

func (s *Service) checkBackup(_ *http.Request, c front.Caller, row *resource.Row) error {
	id := row.Text("volume_id")
	v := s.volumes[id]
	if v == nil || !may(c, v.ProjectID) {
		return notFound(id)
	}
	force, _ := row.Values["force"].(bool)
	switch {
	case v.Status == InUse && !force:
		return invalidVolume("Backing up an in-use volume must use the force flag.")
	case v.Status != Available && v.Status != InUse:
		return invalidVolume("Volume to be backed up must be available or in-use, but the current status is \"%s\".", v.Status)
	}
	row.Project, row.Values["size"], row.Values["data_timestamp"] = v.ProjectID, v.Size, s.clock.Now()
	row.Values["is_incremental"] = row.Values["incremental"] == true
	return nil
}

// restore makes a volume of a backup.
func (s *Service) restore(r *http.Request, c front.Caller) (int, any, error) {
	row := s.backups.Row(r.PathValue("id"))
	if row == nil || !may(c, row.Project) {
		return 0, nil, answer.Fail(http.StatusNotFound, "Backup %s could not be found.", r.PathValue("id"))
	}
	if err := writer(c, "backup:restore"); err != nil {
		return 0, nil, err
	}
	var q struct {
		Restore struct {
			VolumeID json.RawMessage `json:"volume_id"`
			Name     string          `json:"name"`
		} `json:"restore"`
	}
	if err := decode(r, &q); err != nil {
		return 0, nil, err
	}
	if v := string(q.Restore.VolumeID); v != "" && v != "null" {
		return 0, nil, answer.Fail(http.StatusNotImplemented, "the sandbox restores backups only to new volumes")
	}
	name := q.Restore.Name
	if name == "" {
		name = "restore_backup_" + row.ID()
	}
	draft, err := s.draft(c, Spec{Name: name, Size: row.Whole("size")})
	if err != nil {
		return 0, nil, err
	}
	v, err := s.add(draft, func() (io.ReadCloser, error) { return os.Open(s.content(row.ID())) })
	if err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, map[string]any{"restore": map[string]any{
		"backup_id": row.ID(), "volume_id": v.ID, "volume_name": v.Name,
	}}, nil
}
