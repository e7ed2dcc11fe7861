package nova

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) addSecurityGroup(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	return s.changeGroups(w, r, v, body, true)
}

func (s *Service) removeSecurityGroup(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage) error {
	return s.changeGroups(w, r, v, body, false)
}

func (s *Service) changeGroups(w http.ResponseWriter, r *http.Request, v *Server, body json.RawMessage, add bool) error {
	var q struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(body, &q)
	c := front.CallerOf(r)
	if _, err := s.nets.SecurityGroupID(c, q.Name); err != nil {
		return answer.Fail(http.StatusNotFound, "Security group %s not found for project %s.", q.Name, c.ProjectID)
	}
	groups := slices.DeleteFunc(slices.Clone(v.SecurityGroups), func(g string) bool { return g == q.Name })
	if add {
		groups = append(groups, q.Name)
	} else if len(groups) == len(v.SecurityGroups) {
		return answer.Fail(http.StatusNotFound, "Security group %s not associated with the instance %s", q.Name, v.ID)
	}
	for _, p := range s.ports.PortsOf(v.ID) {
		if err := s.nets.SetSecurityGroups(c, p.ID, groups); err != nil {
			return err
		}
	}
	v.SecurityGroups = groups
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Service) serverSecurityGroups(w http.ResponseWriter, _ *http.Request, v *Server) error {
	out := []any{}
	seen := map[string]bool{}
	for _, p := range s.ports.PortsOf(v.ID) {
		for _, id := range p.SecurityGroups {
			if g, ok := s.nets.SecurityGroup(id); ok && !seen[id] {
				seen[id] = true
				out = append(out, map[string]any{
					"id": g.ID, "name": g.Name, "description": g.Description, "tenant_id": g.ProjectID,
					"rules": []any{},
				})
			}
		}
	}
	answer.JSON(w, http.StatusOK, map[string]any{"security_groups": out})
	return nil
}
