package nova

import (
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (a action) body(r *http.Request, v *Server) map[string]any {
	b := map[string]any{
		"action": a.name, "instance_uuid": v.ID, "request_id": a.request, "user_id": a.user, "project_id": a.project,
		"start_time": microStamp(a.at), "message": orNull(a.message),
	}
	if minor(r) >= 58 {
		b["updated_at"] = microStamp(a.updated())
	}
	return b
}

func (s *Service) listActions(w http.ResponseWriter, r *http.Request, v *Server) error {
	q := r.URL.Query()
	since, noStart := time.Parse(time.RFC3339, q.Get("changes-since"))
	before, noEnd := time.Parse(time.RFC3339, q.Get("changes-before"))
	var fit []action
	for _, a := range slices.Backward(v.actions) {
		if (noStart != nil || !a.updated().Before(since)) && (noEnd != nil || !a.updated().After(before)) {
			fit = append(fit, a)
		}
	}
	fit, more, err := page(fit, s.quotas.MaxPage, q, func(a action) string { return a.request })
	if err != nil {
		return err
	}
	out := []any{}
	for _, a := range fit {
		out = append(out, a.body(r, v))
	}
	body := map[string]any{"instanceActions": out}
	if more {
		body["links"] = nextLink(r, fit[len(fit)-1].request)
	}
	answer.JSON(w, http.StatusOK, body)
	return nil
}

func (s *Service) showAction(w http.ResponseWriter, r *http.Request, v *Server) error {
	i := slices.IndexFunc(v.actions, func(a action) bool { return a.request == r.PathValue("request") })
	if i < 0 {
		return answer.Fail(http.StatusNotFound, "Action for request_id %s on instance %s not found", r.PathValue("request"), v.ID)
	}
	b := v.actions[i].body(r, v)
	b["events"] = []any{}
	answer.JSON(w, http.StatusOK, map[string]any{"instanceAction": b})
	return nil
}

// action is one thing that was done to a server.
type action struct {
	name, request, user, project, message string
	at                                    time.Time
}

// updated is when the action ended: in a later second than it began, as with a cloud that takes its time. Clients tell
// actions apart by that.
func (a action) updated() time.Time { return a.at.Add(time.Second) }

// note keeps an action for os-instance-actions. The caller holds the lock.
func (s *Service) note(v *Server, w http.ResponseWriter, r *http.Request, name string) {
	c := front.CallerOf(r)
	v.actions = append(v.actions, action{name: name, request: front.RequestID(w), user: c.UserID, project: c.ProjectID, at: s.now()})
}
