package nova

import (
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

// runningGuest is the server's guest, or nil.
func (s *Service) runningGuest(v *Server) *host.Guest {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return v.guest
}

func (a action) body(r *http.Request, v *Server) map[string]any {
	b := map[string]any{
		"action": a.name, "instance_uuid": v.ID, "request_id": a.request, "user_id": a.user, "project_id": a.project, "start_time": microStamp(a.at), "message": orNull(a.message),
	}
	if minor(r) >= 58 {
		b["updated_at"] = microStamp(a.at)
	}
	return b
}

func (s *Service) listActions(w http.ResponseWriter, r *http.Request, v *Server) error {
	out := []any{}
	for _, a := range slices.Backward(v.actions) {
		out = append(out, a.body(r, v))
	}
	front.JSON(w, http.StatusOK, map[string]any{"instanceActions": out})
	return nil
}

func (s *Service) showAction(w http.ResponseWriter, r *http.Request, v *Server) error {
	i := slices.IndexFunc(v.actions, func(a action) bool { return a.request == r.PathValue("request") })
	if i < 0 {
		return front.Fail(http.StatusNotFound, "Action for request_id %s on instance %s not found", r.PathValue("request"), v.ID)
	}
	b := v.actions[i].body(r, v)
	b["events"] = []any{}
	front.JSON(w, http.StatusOK, map[string]any{"instanceAction": b})
	return nil
}

func (s *Service) serverPassword(w http.ResponseWriter, _ *http.Request, _ *Server) error {
	front.JSON(w, http.StatusOK, map[string]string{"password": ""})
	return nil
}

func (s *Service) clearPassword(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, err := s.own(r, "os-server-password:clear"); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) limits(w http.ResponseWriter, r *http.Request) error {
	s.mu.RLock()
	used := s.used(front.CallerOf(r).ProjectID)
	s.mu.RUnlock()
	front.JSON(w, http.StatusOK, map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": map[string]int{
		"maxTotalInstances": s.quotas.Instances, "maxTotalCores": s.quotas.Cores, "maxTotalRAMSize": s.quotas.RAM, "maxTotalKeypairs": s.quotas.KeyPairs,
		"maxServerMeta": s.quotas.MetadataItems, "maxServerGroups": 10, "maxServerGroupMembers": 10,
		"totalInstancesUsed": used.Instances, "totalCoresUsed": used.Cores, "totalRAMUsed": used.RAM, "totalServerGroupsUsed": 0,
	}}})
	return nil
}

func zones(w http.ResponseWriter, _ *http.Request) error {
	front.JSON(w, http.StatusOK, map[string]any{"availabilityZoneInfo": []any{map[string]any{"zoneName": "nova", "zoneState": map[string]bool{"available": true}, "hosts": nil}}})
	return nil
}

func (s *Service) quotaNumbers() map[string]int {
	return map[string]int{"instances": s.quotas.Instances, "cores": s.quotas.Cores, "ram": s.quotas.RAM, "key_pairs": s.quotas.KeyPairs, "metadata_items": s.quotas.MetadataItems, "server_groups": 10, "server_group_members": 10}
}

func (s *Service) mayQuota(r *http.Request) error {
	c := front.CallerOf(r)
	if r.PathValue("project") != c.ProjectID && !c.Is("admin") {
		return front.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.")
	}
	return nil
}

func (s *Service) quotaSet(w http.ResponseWriter, r *http.Request) error {
	if err := s.mayQuota(r); err != nil {
		return err
	}
	b := map[string]any{"id": r.PathValue("project")}
	for k, n := range s.quotaNumbers() {
		b[k] = n
	}
	front.JSON(w, http.StatusOK, map[string]any{"quota_set": b})
	return nil
}

func (s *Service) quotaDetail(w http.ResponseWriter, r *http.Request) error {
	if err := s.mayQuota(r); err != nil {
		return err
	}
	s.mu.RLock()
	used := s.used(r.PathValue("project"))
	s.mu.RUnlock()
	in := map[string]int{"instances": used.Instances, "cores": used.Cores, "ram": used.RAM}
	b := map[string]any{"id": r.PathValue("project")}
	for k, n := range s.quotaNumbers() {
		b[k] = map[string]int{"limit": n, "in_use": in[k], "reserved": 0}
	}
	front.JSON(w, http.StatusOK, map[string]any{"quota_set": b})
	return nil
}

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
	front.JSON(w, http.StatusOK, map[string]any{"server_groups": out})
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
		return invalid("Invalid input for field/attribute policy. Value: %s. '%s' is not one of ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity']", q.Policy, q.Policy)
	}
	g := &ServerGroup{ID: uuid.NewString(), Name: q.Name, Policy: q.Policy, ProjectID: c.ProjectID, UserID: c.UserID}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[g.ID] = g
	front.JSON(w, http.StatusOK, map[string]any{"server_group": g.body(r)})
	return nil
}

func (s *Service) findGroup(r *http.Request) (*ServerGroup, error) {
	c := front.CallerOf(r)
	g := s.groups[r.PathValue("id")]
	if g == nil || g.ProjectID != c.ProjectID && !c.Is("admin") {
		return nil, front.Fail(http.StatusNotFound, "Instance group %s could not be found.", r.PathValue("id"))
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
	front.JSON(w, http.StatusOK, map[string]any{"server_group": g.body(r)})
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
