package nova

import (
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// ServerGroup is a group of servers with a policy.
type ServerGroup struct {
	ID, Name, Policy, ProjectID, UserID string
	Members                             []string
}

func (g *ServerGroup) body(r *http.Request) map[string]any {
	b := map[string]any{"id": g.ID, "name": g.Name, "members": list(g.Members)}
	if minor(r) >= 13 {
		b["project_id"], b["user_id"] = g.ProjectID, g.UserID
	}
	if minor(r) >= 64 {
		b["policy"], b["rules"] = g.Policy, map[string]any{}
	} else {
		b["policies"], b["metadata"] = []string{g.Policy}, map[string]any{}
	}
	return b
}

func (s *Service) listGroups(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []any{}
	for _, id := range slices.Sorted(maps.Keys(s.groups)) {
		if g := s.groups[id]; g.ProjectID == c.ProjectID || c.Is("admin") && r.URL.Query().Has("all_projects") {
			out = append(out, g.body(r))
		}
	}
	answer.JSON(w, http.StatusOK, map[string]any{"server_groups": out})
	return nil
}

func (s *Service) createGroup(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	if err := writer(c, "os_compute_api:os-server-groups:create"); err != nil {
		return err
	}
	q, err := decode[struct {
		Name     string   `json:"name"`
		Policy   string   `json:"policy"`
		Policies []string `json:"policies"`
	}](r, "server_group")
	if err != nil {
		return err
	}
	if minor(r) < 64 && len(q.Policies) == 1 {
		q.Policy = q.Policies[0]
	}
	if q.Name == "" || !slices.Contains([]string{"affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"}, q.Policy) {
		return invalid("Invalid input for field/attribute policy. Value: %s. '%s' is not one of ['anti-affinity', 'affinity', "+
			"'soft-anti-affinity', 'soft-affinity']", q.Policy, q.Policy)
	}
	g := &ServerGroup{ID: uuid.NewString(), Name: q.Name, Policy: q.Policy, ProjectID: c.ProjectID, UserID: c.UserID}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[g.ID] = g
	answer.JSON(w, http.StatusOK, map[string]any{"server_group": g.body(r)})
	return nil
}

func (s *Service) findGroup(r *http.Request) (*ServerGroup, error) {
	c := front.CallerOf(r)
	g := s.groups[r.PathValue("id")]
	if g == nil || g.ProjectID != c.ProjectID && !c.Is("admin") {
		return nil, answer.Fail(http.StatusNotFound, "Instance group %s could not be found.", r.PathValue("id"))
	}
	return g, nil
}

func (s *Service) showGroup(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, err := s.findGroup(r)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{"server_group": g.body(r)})
	return nil
}

func (s *Service) deleteGroup(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.findGroup(r)
	if err != nil {
		return err
	}
	if err := writer(front.CallerOf(r), "os_compute_api:os-server-groups:delete"); err != nil {
		return err
	}
	delete(s.groups, g.ID)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
