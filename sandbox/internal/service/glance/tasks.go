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
	answer.JSON(w, http.StatusOK, map[string]any{"tasks": i.taskBodies()})
	return nil
}

// allTasks serves all images' tasks, to administrators.
func (s *Service) allTasks(w http.ResponseWriter, r *http.Request) error {
	if !front.CallerOf(r).Is("admin") {
		return answer.Fail(http.StatusForbidden, "You are not authorized to complete get_tasks action.")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []map[string]any{}
	for _, i := range s.images.order {
		for _, t := range i.taskBodies() {
			delete(t, "input")
			delete(t, "result")
			delete(t, "message")
			out = append(out, t)
		}
	}
	answer.JSON(w, http.StatusOK, map[string]any{"tasks": out, "first": "/v2/tasks", "schema": "/v2/schemas/tasks"})
	return nil
}

// taskBodies are the image's tasks as the API shows them.
func (i *Image) taskBodies() []map[string]any {
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
	return out
}
