package glance

import (
	"net/http"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// task is an import that runs or ran.
type task struct {
	id, status, message  string
	method, uri          string
	user, request        string
	createdAt, updatedAt time.Time
}

func (s *Service) listTasks(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, err := s.lookup(front.CallerOf(r), r.PathValue("id"))
	if err != nil {
		return err
	}
	out := []map[string]any{}
	for _, t := range i.tasks {
		method := map[string]any{"name": t.method}
		if t.uri != "" {
			method["uri"] = t.uri
		}
		out = append(out, map[string]any{
			"id": t.id, "type": "api_image_import", "status": t.status, "message": t.message, "owner": i.Owner,
			"image_id": i.ID, "user_id": t.user, "request_id": t.request, "result": nil,
			"input":      map[string]any{"image_id": i.ID, "import_req": map[string]any{"method": method}},
			"created_at": stamp(t.createdAt), "updated_at": stamp(t.updatedAt), "schema": "/v2/schemas/task",
		})
	}
	answer.JSON(w, http.StatusOK, map[string]any{"tasks": out})
	return nil
}
