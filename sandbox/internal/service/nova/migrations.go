package nova

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// migration is a record of a server that moved, or was to move: with one host, only a resize does.
type migration struct {
	id            int
	uuid, kind    string
	status        string
	server        *Server
	user, project string
	at, updated   time.Time
}

// migrated keeps a record. The caller holds the lock.
func (s *Service) migrated(r *http.Request, v *Server, kind, status string) {
	c, now := front.CallerOf(r), s.now()
	s.migrations = append(s.migrations, &migration{
		id: len(s.migrations) + 1, uuid: uuid.NewString(), kind: kind, status: status, server: v,
		user: c.UserID, project: c.ProjectID, at: now, updated: now,
	})
}

// settled is how the last migration of a server ended.
func (s *Service) settled(v *Server, status string) {
	for _, m := range slices.Backward(s.migrations) {
		if m.server == v {
			m.status, m.updated = status, s.now()
			return
		}
	}
}

func (m *migration) body(r *http.Request) map[string]any {
	var to any
	if m.kind == "resize" {
		to = theHost
	}
	b := map[string]any{
		"id": m.id, "instance_uuid": m.server.ID, "status": m.status, "source_compute": theHost, "source_node": theHost,
		"dest_compute": to, "dest_host": to, "dest_node": to, "old_instance_type_id": 1, "new_instance_type_id": 2,
		"created_at": microStamp(m.at), "updated_at": microStamp(m.updated),
	}
	if to != nil {
		b["dest_host"] = "127.0.0.1"
	}
	if minor(r) >= 23 {
		b["migration_type"] = m.kind
	}
	if minor(r) >= 59 {
		b["uuid"] = m.uuid
	}
	if minor(r) >= 80 {
		b["user_id"], b["project_id"] = m.user, m.project
	}
	return b
}

// listMigrations serves the records, newest first.
func (s *Service) listMigrations(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-migrations:index to be performed.")
	}
	q, all := r.URL.Query(), []map[string]any{}
	for _, m := range slices.Backward(s.migrations) {
		fits := true
		for key, have := range map[string]string{
			"instance_uuid": m.server.ID, "status": m.status, "migration_type": m.kind, "host": theHost, "source_compute": theHost,
			"user_id": m.user, "project_id": m.project,
		} {
			fits = fits && (!q.Has(key) || q.Get(key) == have)
		}
		if fits {
			all = append(all, m.body(r))
		}
	}
	return http.StatusOK, map[string]any{"migrations": all}, nil
}

// liveMigrations serves the migrations of a server that are under way: none ever is.
func (s *Service) liveMigrations(r *http.Request, c front.Caller) (int, any, error) {
	id := r.PathValue("id")
	v, err := s.visible(c, id)
	switch {
	case err != nil:
		return 0, nil, err
	case !c.Is("admin"):
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:servers:migrations:index to be performed.")
	}
	if m := r.PathValue("migration"); m != "" {
		n, _ := strconv.Atoi(m)
		if n > 0 && n <= len(s.migrations) && s.migrations[n-1].server == v {
			return 0, nil, answer.Fail(http.StatusNotFound, "In-progress live migration %s is not found for server %s.", m, id)
		}
		return 0, nil, answer.Fail(http.StatusNotFound, "Migration %s could not be found.", m)
	}
	return http.StatusOK, map[string]any{"migrations": []any{}}, nil
}

// migrate begins to move a server, which fails, because there is no other host.
func (s *Service) migrate(w http.ResponseWriter, r *http.Request, v *Server, _ json.RawMessage) error {
	if !front.CallerOf(r).Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-migrate-server:migrate to be performed.")
	}
	if err := v.ready("migrate", vmActive, vmStopped); err != nil {
		return err
	}
	s.note(v, w, r, "migrate")
	s.migrated(r, v, "migration", "error")
	w.WriteHeader(http.StatusAccepted)
	return nil
}
